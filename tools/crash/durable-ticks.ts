import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteTickLog } from '@k2/adapter-sqlite';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';

/** Ticks of a session that the log of a dead server still holds: they were durable, so they may not be lost. */
export async function durableTicks(data: string, session: string): Promise<number> {
  const path = join(data, 'log.db');
  if (!existsSync(path)) return 0;
  const log = await SqliteTickLog.open({
    path,
    clock: new SystemClock(),
    scheduler: new SystemScheduler(),
    random: new SystemRandom(new SystemClock()),
  });
  let ticks = 0;
  for (const { topic, partition, startOffset, endOffset } of await log.offsets(
    (await log.topics()).map(({ name }) => name),
  )) {
    for (let nextOffset = startOffset; nextOffset < endOffset;) {
      const records = await log.read({ positions: [{ topic, partition, nextOffset }], bytesMax: 4 << 20, waitMs: 0 });
      if (records.length === 0)
        throw new Error(`${topic}/${partition} ends at ${endOffset}, but has nothing at ${nextOffset}`);
      for (const { payload, nextOffset: next } of records) {
        nextOffset = next;
        if (payload.kind !== 'ticks') continue;
        const isOfSession = payload.batch.series.map((series) => series.session === session);
        for (const code of payload.batch.seriesCode) if (isOfSession[code]) ticks++;
      }
    }
  }
  await log.close();
  return ticks;
}
