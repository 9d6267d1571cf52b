import type { TopicSpec } from '@k2/domain/wire';
import { PortError } from '../port-error.ts';
import type { TickLogError, TopicDescription } from '../tick-log.port.ts';

/** Throws where a topic that exists can't become what it is declared as. */
export function assertDeclarable({ name, partitions, framing }: TopicSpec, existing: TopicDescription): void {
  const context = { topic: name, partitions: existing.partitions, framing: existing.framing };
  const exists = `topic ${name} exists with ${existing.partitions} partitions and ${existing.framing} framing`;
  if (partitions < existing.partitions || framing !== existing.framing) {
    const message = `${exists}: it cannot get ${partitions} and ${framing}`;
    throw new PortError('unavailable', message, context) satisfies TickLogError;
  }
  // Then a series either stays where it is or goes to a new partition, which waits for the old one.
  if (partitions % existing.partitions === 0) return;
  const message = `${exists}: it can grow to a multiple of that, not to ${partitions}, where series would move between partitions that are in use`;
  throw new PortError('unavailable', message, context) satisfies TickLogError;
}
