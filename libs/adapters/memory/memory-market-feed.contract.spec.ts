import { TradeBatchBuilder, type Series, type TradeBatch } from '@k2/domain/market';
import { marketFeedContract } from '@k2/testing/contracts';
import { MemoryMarketFeed } from './memory-market-feed.ts';

const SERIES: Series = {
  exchange: 'XTST',
  symbol: 'ABC',
  assetClass: 'equities',
  currency: 'EUR',
  session: '2026-01-05',
  sequenceOrigin: 'venue',
  firstSequence: 1,
};

marketFeedContract('memory', {
  create: () => ({
    feed: new MemoryMarketFeed([trades(1, 60), trades(61, 120)]),
    expected: { ticks: 120, rejections: 0 },
  }),
  capabilities: { finite: true },
});

function trades(from: number, to: number): TradeBatch {
  const builder = new TradeBatchBuilder(100);
  for (let sequence = from; sequence <= to; sequence++) {
    const timeUs = 1_767_600_000_000_000 + sequence;
    builder.append(builder.seriesCode(SERIES), timeUs, timeUs, sequence, 1_250_000_000, 100_000_000, 1, `T${sequence}`);
  }
  return builder.take()!;
}
