import type { Scheduler, TickLog, TickStore, TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

const POLL_MS = 50;

/**
 * Resolves true when everything that is in the log now is committed; false when the signal aborts first, or when what is
 * left is of partitions of which nothing is taken. `report` hears how many log records are left.
 */
export async function untilCommitted(
  { log, store, scheduler }: { readonly log: TickLog; readonly store: TickStore; readonly scheduler: Scheduler },
  signal: AbortSignal,
  report: (recordsLeft: number) => void = () => {},
  isPaused: (partition: TopicPartition) => boolean = () => false,
): Promise<boolean> {
  const ends = await log.offsets((await log.topics()).map(({ name }) => name));
  while (!signal.aborted) {
    const progress = new Map((await store.progress()).map((at) => [partitionName(at), at.nextOffset]));
    let left = 0;
    let pausedLeft = 0;
    for (const end of ends) {
      const recordsLeft = Math.max(0, end.endOffset - (progress.get(partitionName(end)) ?? 0));
      left += recordsLeft;
      if (isPaused(end)) pausedLeft += recordsLeft;
    }
    report(left);
    if (left === 0) return true;
    if (left === pausedLeft) return false;
    await scheduler.sleep(POLL_MS, signal);
  }
  return false;
}
