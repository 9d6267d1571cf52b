import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { parseTimeUs, tradeAt, type TradeBatch } from '@k2/domain/market';
import { AsxFeed } from './feed.ts';

/** A week of real ASX files, beside the checkout on machines that have them. */
const directory = fileURLToPath(new URL('../../../../shared/data/asx-2014-03', import.meta.url));

if (existsSync(directory)) {
  it('loads the real week of March 2014 whole', async () => {
    const feed = new AsxFeed({ directory }, { clock: { nowUs: () => 1_767_600_000_000_000, monotonicUs: () => 1 } });
    const kept = { trades: 0, quotes: 0 };
    let rejected = 0;
    let bhp: TradeBatch | undefined;
    for await (const event of feed.open(new AbortController().signal)) {
      if (event.kind === 'rejections') rejected += event.rejections.length;
      if (event.kind !== 'ticks') continue;
      kept[event.batch.recordType] += event.batch.rowCount;
      if (event.batch.recordType === 'trades') bhp ??= event.batch;
    }
    expect({ ...kept, rejected }).toEqual({ trades: 91_874, quotes: 78_458, rejected: 0 });
    const row = bhp!.seriesCode.findIndex((code) => bhp!.series[code].symbol === 'BHP');
    expect(bhp!.series[bhp!.seriesCode[row]]).toMatchObject({ symbol: 'BHP', session: '2014-03-10' });
    expect(tradeAt(bhp!, row)).toMatchObject({
      eventTimeUs: parseTimeUs('2014-03-09T20:57:14.754Z'),
      venueSequence: 1,
      price: 3_666_700_000n,
      quantity: 2_000_000_000_000n,
      conditions: ['3'],
      vendorData: { venue: 'X' },
    });
  });
} else {
  it('DID NOT RUN the real week of March 2014: its files are not beside the checkout', () => {
    process.stderr.write(`feed-asx: real-data.spec.ts DID NOT RUN: no directory ${directory}\n`);
    expect(existsSync(directory)).toBe(false);
  });
}
