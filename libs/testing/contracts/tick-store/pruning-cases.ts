import { expect, it } from '@jest/globals';
import { US_PER_DAY } from '@k2/domain/market';
import type { ScanRequest } from '@k2/ports';
import fc from 'fast-check';
import {
  arbitraryTradeBatch,
  AWKWARD_SYMBOLS,
  DAY_START_US,
  gapRecord,
  gapRow,
  placed,
  series,
  tradeBatch,
  type Row,
} from '../../builders/index.ts';
import { expectRows, TRADES, type TickStoreBenches, type TickStoreCapabilities } from './bench.ts';

export type Filter = Pick<ScanRequest, 'exchange' | 'symbols' | 'fromUs' | 'toUs'>;

/** Pruning is only an optimisation: it may leave out files, never a row that matches. */
export function pruningCases(benches: TickStoreBenches, capabilities: TickStoreCapabilities): void {
  it('6.1 the rows of a pruned plan that match are the rows of the table that match, for any filter', async () => {
    const batches = fc.array(arbitraryTradeBatch(12), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(batches, fc.array(arbitraryFilter(), { minLength: 10, maxLength: 10 }), async (all, filters) => {
        const bench = await benches.open();
        const times = all.flatMap((batch) => [...batch.eventTimeUs]);
        let claim = await bench.claim();
        for (const [offset, batch] of all.entries()) {
          const ticks = [placed(structuredClone(batch), offset)];
          claim = (await bench.commit(claim, offset + 1, { ticks })).claims[0];
        }
        const full = await bench.rows(TRADES);
        for (const filter of filters.map((toFilter) => toFilter(times))) {
          expectRows((await bench.rows(TRADES, filter)).filter(matches(filter)), full.filter(matches(filter)));
        }
        await benches.close();
      }),
      { numRuns: 10 },
    );
  });

  it('6.1.1 a file says between which times its rows lie', async () => {
    const bench = await benches.open();
    await fc.assert(
      fc.asyncProperty(arbitraryTradeBatch(12), async (batch) => {
        const times = [...batch.eventTimeUs];
        await bench.commit(await bench.claim(), (await bench.nextOffset()) + 1, { ticks: [placed(batch)] });
        const { files } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
        const within = (timeUs: number) =>
          files.some(({ timeSpan }) => timeSpan !== null && timeUs >= timeSpan.minUs && timeUs <= timeSpan.maxUs);
        expect(times.filter((timeUs) => !within(timeUs))).toEqual([]);
        expect(
          files.every(({ timeSpan }) => timeSpan !== null && timeSpan.maxUs - timeSpan.minUs <= 4 * US_PER_DAY),
        ).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('6.2 each awkward symbol is found by its own filter', async () => {
    const bench = await benches.open();
    const rows = AWKWARD_SYMBOLS.map((symbol) => ({ series: series({ symbol }) }));
    await bench.commit(await bench.claim(), 1, { ticks: [placed(tradeBatch({ rows }))] });
    for (const symbol of AWKWARD_SYMBOLS) {
      const found = (await bench.rows(TRADES, { symbols: [symbol] })).filter((row) => row['symbol'] === symbol);
      expect(found).toHaveLength(1);
    }
  });

  it('6.3 each tick is found by the narrowest range of time that holds it, to the µs', async () => {
    const bench = await benches.open();
    const times = [0, 1, 999, 1_000, 1_001, 500_000, 500_001, US_PER_DAY - 1, US_PER_DAY].map(
      (us) => DAY_START_US + us,
    );
    let claim = await bench.claim();
    for (const [offset, part] of [times.slice(0, 4), times.slice(4, 7), times.slice(7)].entries()) {
      const rows = part.map((eventTimeUs) => ({ eventTimeUs }));
      claim = (await bench.commit(claim, offset + 1, { ticks: [placed(tradeBatch({ rows }), offset)] })).claims[0];
    }
    for (const timeUs of times) {
      const filter = { fromUs: timeUs, toUs: timeUs + 1 };
      const found = (await bench.rows(TRADES, filter)).filter(matches(filter));
      expect(found.map((row) => row['timestamp'])).toEqual([timeUs]);
    }
  });

  it('6.4 audit rows of an exchange are found by it', async () => {
    const bench = await benches.open();
    const gaps = [gapRecord(), gapRecord({ exchange: 'BINANCE', symbol: 'BTCUSDT' })];
    await bench.commit(await bench.claim(), 1, { gaps });
    const found = await bench.rows('audit.sequence_gaps', { exchange: 'BINANCE', symbols: ['BTCUSDT'] });
    expectRows(
      found.filter((row) => row['exchange'] === 'BINANCE'),
      [gapRow(gaps[1])],
    );
  });

  if (!capabilities.pruning) return;

  it('6.5 files of other days and exchanges are left out', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [placed(tradeBatch())] });
    const nextDay = tradeBatch({ startUs: DAY_START_US + US_PER_DAY, series: { exchange: 'BINANCE' } });
    await bench.commit(first.claims[0], 2, { ticks: [placed(nextDay, 1)] });
    const filesOf = async (filter: Filter) => {
      const { files, filesTotal } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' }, ...filter });
      return [files.length, filesTotal];
    };
    const midnight = DAY_START_US + US_PER_DAY;
    expect(await filesOf({})).toEqual([2, 2]);
    expect(await filesOf({ toUs: midnight })).toEqual([1, 2]);
    expect(await filesOf({ fromUs: midnight, toUs: midnight + 1 })).toEqual([1, 2]);
    expect(await filesOf({ exchange: 'BINANCE' })).toEqual([1, 2]);
    expect(await filesOf({ exchange: 'ASX', fromUs: midnight })).toEqual([0, 2]);
    expect(await filesOf({ exchange: 'NONE' })).toEqual([0, 2]);
  });
}

export function matches({ exchange, symbols, fromUs = -Infinity, toUs = Infinity }: Filter) {
  return (row: Row): boolean =>
    (exchange === undefined || row['exchange'] === exchange) &&
    (symbols === undefined || symbols.includes(String(row['symbol']))) &&
    Number(row['timestamp']) >= fromUs &&
    Number(row['timestamp']) < toUs;
}

/** A filter over given rows: its bounds are their times, or one µs beside them, where half-open ranges go wrong. */
export function arbitraryFilter(): fc.Arbitrary<(timesUs: readonly number[]) => Filter> {
  const bound = fc.option(fc.tuple(fc.nat(), fc.integer({ min: -1, max: 1 })));
  const parts = fc.record({
    exchange: fc.option(fc.constantFrom('ASX', 'BINANCE', 'X/Y Z', 'NONE')),
    symbols: fc.option(fc.subarray([...AWKWARD_SYMBOLS, 'NONE'], { minLength: 1, maxLength: 3 })),
    from: bound,
    to: bound,
  });
  return parts.map(({ exchange, symbols, from, to }) => (timesUs) => {
    const timeOf = ([index, beside]: [number, number]) => timesUs[index % timesUs.length] + beside;
    return {
      ...(exchange === null ? {} : { exchange }),
      ...(symbols === null ? {} : { symbols }),
      ...(from === null ? {} : { fromUs: timeOf(from) }),
      ...(to === null ? {} : { toUs: timeOf(to) }),
    };
  });
}
