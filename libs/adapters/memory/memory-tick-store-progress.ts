import {
  PortError,
  type PartitionClaim,
  type PartitionProgress,
  type ProgressChange,
  type StoredState,
  type TickStoreErrorKind,
  type TopicPartition,
} from '@k2/ports';
import { MemoryStates } from './memory-states.ts';

interface Entry extends PartitionClaim {
  readonly writer: string;
}

/**
 * How far each topic partition is in the tables, who may move it, and the states kept with it. The rules are those of
 * a TableCatalog; this one is synchronous, so that progress and rows change in one turn of the event loop.
 */
export class MemoryProgress {
  private readonly entries = new Map<string, Entry>();
  private readonly states = new MemoryStates();

  claim(writer: string, partitions: readonly (TopicPartition & { readonly topicId: string })[]): PartitionClaim[] {
    for (const { topic, partition, topicId } of partitions) {
      const entry = this.entries.get(nameOf({ topic, partition }));
      // Of a topic of which nothing was committed, no offset can be taken for another's.
      if (entry !== undefined && entry.topicId !== topicId && entry.nextOffset > 0) throw recreated(entry, topicId);
    }
    return partitions.map(({ topic, partition, topicId }) => {
      const name = nameOf({ topic, partition });
      const { epoch, nextOffset } = this.entries.get(name) ?? { epoch: 0, nextOffset: 0 };
      const claim = { topic, partition, topicId, nextOffset, epoch: epoch + 1 };
      this.entries.set(name, { ...claim, writer });
      return claim;
    });
  }

  progress(): PartitionProgress[] {
    return [...this.entries.values()].map(({ topic, partition, topicId, nextOffset }) => ({
      topic,
      partition,
      topicId,
      nextOffset,
    }));
  }

  state(keys: readonly string[]): ReadonlyMap<string, StoredState> {
    return this.states.of(keys);
  }

  /** All of the change or, with an error, nothing of it. Returns the claims that the next change rests on. */
  apply({ partitions, state }: ProgressChange): PartitionClaim[] {
    for (const { claim, nextOffset } of partitions) this.check(claim, nextOffset);
    this.states.check({ progress: partitions, state });
    const claims = partitions.map(({ claim, nextOffset }): PartitionClaim => {
      const entry = this.entries.get(nameOf(claim))!;
      this.entries.set(nameOf(claim), { ...entry, nextOffset });
      return { ...claim, nextOffset };
    });
    this.states.move(state);
    return claims;
  }

  private check(claim: PartitionClaim, nextOffset: number): void {
    const entry = this.entries.get(nameOf(claim));
    if (entry === undefined)
      throw error('progress-mismatch', `${nameOf(claim)} was never claimed here: claim it first`, { claim });
    if (entry.epoch !== claim.epoch) {
      const message = `${nameOf(claim)} was claimed by ${entry.writer} (epoch ${entry.epoch}) after this claim (epoch ${claim.epoch}): stop`;
      throw error('fenced', message, { claim, epoch: entry.epoch, writer: entry.writer });
    }
    if (entry.topicId !== claim.topicId) throw recreated(entry, claim.topicId);
    if (entry.nextOffset !== claim.nextOffset || nextOffset < entry.nextOffset) {
      const message =
        `${nameOf(claim)} is at offset ${entry.nextOffset}, the commit goes from ${claim.nextOffset} to ${nextOffset}: ` +
        'read the progress again';
      throw error('progress-mismatch', message, { claim, nextOffset, actualNextOffset: entry.nextOffset });
    }
  }
}

const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;

function recreated(entry: Entry, topicId: string) {
  const message =
    `progress of ${nameOf(entry)} belongs to topic id ${entry.topicId}, not to ${topicId}: the topic was created again, ` +
    'its offsets mean nothing here; record it under another name';
  return error('progress-mismatch', message, {
    topic: entry.topic,
    partition: entry.partition,
    storedTopicId: entry.topicId,
    topicId,
  });
}

function error(kind: TickStoreErrorKind, message: string, context: Readonly<Record<string, unknown>>) {
  return new PortError<TickStoreErrorKind>(kind, message, context);
}
