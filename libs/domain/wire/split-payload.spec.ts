import { describe, expect, it } from '@jest/globals';
import { partitioner, partitionOf } from './partitioners.ts';
import { series, tradeBatch } from '@k2/testing/builders';
import { splitPayload } from './split-payload.ts';

describe('splitPayload', () => {
  const symbols = ['BHP', 'CBA', 'NAB', 'TLS', 'WBC', 'ANZ'];
  const mixed = tradeBatch({ rows: symbols.map((symbol) => ({ series: series({ symbol }) })) });

  it('passes a batch of one partition on as it is', () => {
    const batch = tradeBatch({ count: 5 });
    for (const partitions of [1, 7]) {
      const [part, ...others] = splitPayload({ kind: 'ticks', batch }, partitions);
      expect(others).toEqual([]);
      expect(part.partition).toBe(partitionOf('ASX', 'BHP', partitions));
      expect(part.payload.kind === 'ticks' && part.payload.batch).toBe(batch);
    }
  });

  it('names in each part of a split batch only the series of its rows', () => {
    const parts = splitPayload({ kind: 'ticks', batch: mixed }, 3);
    expect(parts.length).toBeGreaterThan(1);
    const named = parts.flatMap(({ partition, payload }) => {
      if (payload.kind !== 'ticks') throw new Error('not ticks');
      const { batch } = payload;
      expect(batch.series.every(({ exchange, symbol }) => partitionOf(exchange, symbol, 3) === partition)).toBe(true);
      return Array.from(batch.seriesCode, (code, row) => [batch.series[code].symbol, batch.venueSequence[row]]);
    });
    expect(named.sort()).toEqual(symbols.map((symbol, i) => [symbol, i + 1]).sort());
  });

  it('goes by the partitioner of the topic', () => {
    const spec = { kind: 'volume', own: ['ASX.CBA', 'ASX.BHP'], shared: [], sharedPartitions: 0 } as const;
    const parts = splitPayload({ kind: 'ticks', batch: mixed }, 3, partitioner(spec, 3));
    const symbols = parts.map(
      ({ payload }) => payload.kind === 'ticks' && payload.batch.series.map(({ symbol }) => symbol),
    );
    expect(parts.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(symbols).toEqual([['CBA'], ['BHP'], ['NAB', 'TLS', 'WBC', 'ANZ']]);
  });

  it('has nothing to write for no rejections', () => {
    expect(splitPayload({ kind: 'rejections', rejections: [] }, 3)).toEqual([]);
  });
});
