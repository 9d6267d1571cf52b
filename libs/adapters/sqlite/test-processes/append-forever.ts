// Usage: node append-forever.ts LOG_DB. Appends until it is killed, and prints each acknowledged first sequence.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TradeBatchBuilder, type Series } from '@k2/domain/market';
import { SqliteTickLog } from '../sqlite-tick-log.ts';

const ROWS = 50;
const series: Series = {
  exchange: 'ASX',
  symbol: 'BHP',
  assetClass: 'equities',
  currency: 'AUD',
  session: 'kill',
  sequenceOrigin: 'venue',
  firstSequence: 1,
};

const log = await SqliteTickLog.open({
  path: process.argv[2],
  clock: { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 },
  scheduler: { sleep: async (ms) => void (await sleep(ms)), yield: () => sleep(0) },
  random: { next: () => 0.5, uuid: () => randomUUID(), int63: () => 1n },
});
await log.declareTopic({ name: 'kill', partitions: 1, framing: 'block' });
const [{ endOffset }] = await log.offsets(['kill']);

let next = endOffset;
await Promise.all(Array.from({ length: 4 }, appendForever));

async function appendForever(): Promise<never> {
  for (;;) {
    const builder = new TradeBatchBuilder(ROWS);
    const first = next++ * ROWS;
    for (let i = 0; i < ROWS; i++) builder.append(builder.seriesCode(series), 1, 1, first + i, 100, 100, 0, '');
    const { records } = await log.append('kill', { kind: 'ticks', batch: builder.take()! });
    writeSync(1, `${records[0].offset} ${first}\n`);
  }
}
