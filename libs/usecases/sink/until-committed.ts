import type { Scheduler, TickLog, TickStore } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

const POLL_MS = 50;

/**
 * Resolves true when everything that is in the log now is committed, false when the signal aborts first.
 * `report` hears how many log records are left.
 */
export async function untilCommitted(
  { log, store, scheduler }: { readonly log: TickLog; readonly store: TickStore; readonly scheduler: Scheduler },
  signal: AbortSignal,
  report: (recordsLeft: number) => void = () => {},
): Promise<boolean> {
  const ends = await log.offsets((await log.topics()).map(({ name }) => name));
  while (!signal.aborted) {
    const progress = new Map((await store.progress()).map((at) => [partitionName(at), at.nextOffset]));
    const left = ends.reduce(
      (sum, end) => sum + Math.max(0, end.endOffset - (progress.get(partitionName(end)) ?? 0)),
      0,
    );
    report(left);
    if (left === 0) return true;
    await scheduler.sleep(POLL_MS, signal);
  }
  return false;
}
