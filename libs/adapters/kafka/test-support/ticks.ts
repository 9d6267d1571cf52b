import type { LogPosition, LogRecord, TickLog } from '@k2/ports';

export const at = (topic: string, nextOffset = 0, partition = 0): LogPosition => ({ topic, partition, nextOffset });

/** Everything there is now of partition 0, from the offset on. */
export async function readAll(log: TickLog, topic: string, fromOffset = 0): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for (let nextOffset = fromOffset; ;) {
    const records = await log.read({ positions: [at(topic, nextOffset)], bytesMax: 1 << 20, waitMs: 0 });
    if (records.length === 0) return found;
    found.push(...records);
    nextOffset = records[records.length - 1].nextOffset;
  }
}

export function sequencesOf(records: readonly LogRecord[]): number[] {
  return records.flatMap(({ payload }) => (payload.kind === 'ticks' ? [...payload.batch.venueSequence] : []));
}

/** Tries again until it is so; the test's own time-out is the bound. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
