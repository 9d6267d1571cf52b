import { describe, expect, it } from '@jest/globals';
import { DECIMAL_ONE, DECIMAL_SCALED_MAX, parseDecimal, type Trade } from '@k2/domain/market';
import type { BarPosition, TickFilter } from '@k2/ports';
import fc from 'fast-check';
import {
  arbitraryTimeUs,
  DAY_START_US,
  placed,
  plannedRows,
  series,
  tradeBatch,
  type Row,
} from '../../builders/index.ts';
import { answerRows } from '../answer-rows.ts';
import { ASK, type Asker } from '../query-engine.contract.ts';

const MINUTE_US = 60_000_000;

export function barsContract(asker: Asker): void {
  describe('bars', () => {
    const bars = (rows: Parameters<typeof tradeBatch>[0], intervalUs = MINUTE_US, limit = 100) =>
      asker.rows({ kind: 'bars', filter: {}, intervalUs, limit }, plannedRows({ ticks: [placed(tradeBatch(rows))] }));
    const trade = (at: number, price: string, quantity: string, changes: Partial<Trade> = {}) => ({
      eventTimeUs: DAY_START_US + at,
      price: parseDecimal(price),
      quantity: parseDecimal(quantity),
      ...changes,
    });

    it('are half-open windows aligned to 1970, and none where nothing traded', async () => {
      const rows = await bars({
        rows: [trade(-1, '1', '1'), trade(0, '2', '1'), trade(MINUTE_US - 1, '3', '3'), trade(5 * MINUTE_US, '4', '1')],
      });
      expect(rows.map((row) => [row['bar_start'], row['open'], row['close'], row['trade_count']])).toEqual([
        [DAY_START_US - MINUTE_US, '1', '1', 1],
        [DAY_START_US, '2', '3', 2],
        [DAY_START_US + 5 * MINUTE_US, '4', '4', 1],
      ]);
      expect(rows[1]).toEqual({
        exchange: 'ASX',
        symbol: 'BHP',
        bar_start: DAY_START_US,
        open: '2',
        high: '3',
        low: '2',
        close: '3',
        volume: '4',
        trade_count: 2,
        vwap: '2.75',
      });
    });

    it('align times before 1970 downwards', async () => {
      const [row] = await bars({ rows: [{ eventTimeUs: -1 }] });
      expect(row['bar_start']).toBe(-MINUTE_US);
    });

    it('open and close by session and sequence where times are equal', async () => {
      const second = series({ session: 'b' });
      const rows = await bars({
        rows: [
          { ...trade(0, '3', '1', { venueSequence: 9 }), series: series({ session: 'a' }) },
          { ...trade(0, '1', '1', { venueSequence: 2 }), series: second },
          { ...trade(0, '4', '1', { venueSequence: 3 }), series: second },
          { ...trade(0, '2', '1', { venueSequence: 8 }), series: series({ session: 'a' }) },
        ],
      });
      expect(rows).toEqual([expect.objectContaining({ open: '2', close: '4', high: '4', low: '1' })]);
    });

    it('keep volumes beyond 18 digits exact', async () => {
      const rows = await bars({
        rows: Array.from({ length: 20 }, () => trade(0, '0.00000001', '9999999999.99999999')),
      });
      expect(rows).toEqual([expect.objectContaining({ volume: '199999999999.9999998', vwap: '0.00000001' })]);
    });

    it('are exact however many of the largest trades they sum', async () => {
      const rows = await bars({
        rows: Array.from({ length: 250 }, () => trade(0, '9999999999.99999999', '9999999999.99999999')),
      });
      expect(rows).toEqual([
        expect.objectContaining({ volume: '2499999999999.9999975', vwap: '9999999999.99999999', trade_count: 250 }),
      ]);
    });

    it('sum any prices and quantities that a trade can have', async () => {
      const price = fc.oneof(
        fc.bigInt({ min: -DECIMAL_SCALED_MAX, max: DECIMAL_SCALED_MAX }),
        fc.constantFrom(DECIMAL_SCALED_MAX, -DECIMAL_SCALED_MAX, 9_999_999_999_999n, -10_000_000_000_000n, 0n),
      );
      const quantity = fc.oneof(
        fc.bigInt({ min: 1n, max: DECIMAL_SCALED_MAX }),
        fc.bigInt({ min: 1n, max: DECIMAL_ONE }),
        fc.constantFrom(1n, DECIMAL_ONE, 9_999_999_999_999n, 10_000_000_000_000n, DECIMAL_SCALED_MAX),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ price, quantity }), { minLength: 1, maxLength: 5 }),
          fc.integer({ min: 1, max: 60 }),
          async (few, times) => {
            const trades = Array.from({ length: few.length * times }, (_, i) => ({
              ...few[i % few.length],
              eventTimeUs: DAY_START_US,
              venueSequence: i,
            }));
            expect(await bars({ rows: trades })).toEqual(foldedBars(trades, MINUTE_US));
          },
        ),
        { numRuns: 40 },
      );
    }, 300_000);

    it('refuse a vwap of more digits than a decimal has, which only negative quantities make', async () => {
      const withVolume = (volume: string) =>
        bars({
          rows: [
            ...Array.from({ length: 400 }, (_, i) =>
              trade(
                0,
                i % 2 === 0 ? '9999999999.99999999' : '-9999999999.99999999',
                i % 2 === 0 ? '9999999999' : '-9999999999',
              ),
            ),
            trade(0, '0', volume),
          ],
        });
      const refusal = { kind: 'invalid-query', message: expect.stringContaining('vwap') };
      await expect(withVolume('0.00000001')).rejects.toMatchObject(refusal);
      await expect(withVolume('-0.00000001')).rejects.toMatchObject(refusal);
      expect(await withVolume('1')).toEqual([expect.objectContaining({ vwap: '39999999995999999960000.000004' })]);
    });

    it('have no vwap where the volume is 0', async () => {
      expect(await bars({ rows: [trade(0, '1', '0')] })).toEqual([
        expect.objectContaining({ volume: '0', vwap: null }),
      ]);
    });

    it('equal a fold over the trades', async () => {
      const decimal = fc.oneof(
        fc.bigInt({ min: 1n, max: 500n }),
        fc.bigInt({ min: -1_000_000_000_000n, max: 100_000_000_000_000n }),
      );
      const rows = fc.uniqueArray(
        fc.record({
          eventTimeUs: fc.oneof(fc.constant(DAY_START_US), arbitraryTimeUs(2)),
          price: decimal,
          quantity: decimal,
          venueSequence: fc.integer({ min: 0, max: 1_000 }),
        }),
        { minLength: 1, maxLength: 30, selector: ({ venueSequence }) => venueSequence },
      );
      await fc.assert(
        fc.asyncProperty(
          rows,
          fc.constantFrom(7, 1_500, 1_000_000, MINUTE_US, 7 * 3_600_000_000, 86_400_000_000),
          async (trades, intervalUs) => {
            expect(await bars({ rows: trades }, intervalUs)).toEqual(foldedBars(trades, intervalUs));
          },
        ),
        { numRuns: 25 },
      );
    }, 300_000);

    it('pages joined are the whole, each read from its start on', async () => {
      const row = fc.record({
        eventTimeUs: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -20, max: 20 })).map((at) => at * 500),
        series: fc.record({
          exchange: fc.constantFrom('ASX', 'X', 'é'),
          symbol: fc.constantFrom('A', 'B', 'b', '€'),
          session: fc.constantFrom('a', 'b'),
        }),
      });
      const filter = fc.constantFrom<TickFilter>(
        {},
        { fromUs: -1_250 },
        { fromUs: -250, toUs: 1_750 },
        { exchange: 'X' },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 1, maxLength: 40 }),
          filter,
          fc.constantFrom(700, 1_000, 5_000),
          fc.integer({ min: 1, max: 6 }),
          async (rows, asked, intervalUs, limit) => {
            const ticks = rows.map((one, at) => ({ ...one, series: series(one.series), venueSequence: at }));
            const plans = await asker.plansFor(plannedRows({ ticks: [placed(tradeBatch({ rows: ticks }))] }));
            const page = async (limitOf: number, after?: BarPosition) =>
              answerRows(
                await asker
                  .engine()
                  .ask(
                    { kind: 'bars', filter: asked, intervalUs, limit: limitOf, ...(after !== undefined && { after }) },
                    plans,
                    ASK,
                  ),
              );
            const whole = await page(1_000);
            const joined: Row[] = [];
            for (let rowsOf = await page(limit); rowsOf.length > 0;) {
              joined.push(...rowsOf);
              const last = rowsOf[rowsOf.length - 1];
              const [exchange, symbol] = [String(last['exchange']), String(last['symbol'])];
              rowsOf = await page(limit, { startUs: Number(last['bar_start']), exchange, symbol });
            }
            expect(joined).toEqual(whole);
          },
        ),
        { numRuns: 15 },
      );
    }, 300_000);

    it('refuse to go on after what is no start of a bar', async () => {
      for (const startUs of [1, NaN, 0.5]) {
        const after = { startUs, exchange: 'ASX', symbol: 'BHP' };
        const asked = asker.rows({ kind: 'bars', filter: {}, intervalUs: MINUTE_US, after, limit: 1 }, plannedRows());
        await expect(asked).rejects.toMatchObject({ kind: 'invalid-query' });
      }
    });

    it('refuse an interval that is no whole number of µs', async () => {
      for (const intervalUs of [0, -1, 1.5, NaN])
        await expect(bars({}, intervalUs)).rejects.toMatchObject({ kind: 'invalid-query' });
    });
  });
}

type FoldedTrade = Pick<Trade, 'eventTimeUs' | 'price' | 'quantity' | 'venueSequence'>;

/** One series of trades into bars, trade by trade. */
function foldedBars(trades: readonly FoldedTrade[], intervalUs: number): Row[] {
  const windows = new Map<number, FoldedTrade[]>();
  for (const trade of trades.toSorted((a, b) => a.eventTimeUs - b.eventTimeUs || a.venueSequence - b.venueSequence)) {
    const start = Math.floor(trade.eventTimeUs / intervalUs) * intervalUs;
    windows.set(start, [...(windows.get(start) ?? []), trade]);
  }
  return [...windows].map(([start, rows]) => {
    const prices = rows.map(({ price }) => price).sort((a, b) => (a < b ? -1 : 1));
    const volume = rows.reduce((sum, { quantity }) => sum + quantity, 0n);
    const notional = rows.reduce((sum, { price, quantity }) => sum + price * quantity, 0n);
    return {
      exchange: 'ASX',
      symbol: 'BHP',
      bar_start: start,
      open: scaledText(rows[0].price),
      high: scaledText(prices[prices.length - 1]),
      low: scaledText(prices[0]),
      close: scaledText(rows[rows.length - 1].price),
      volume: scaledText(volume),
      trade_count: rows.length,
      vwap: volume === 0n ? null : scaledText(halfEven(notional, volume)),
    };
  });
}

function halfEven(numerator: bigint, denominator: bigint): bigint {
  const sign = numerator < 0n === denominator < 0n ? 1n : -1n;
  const [n, d] = [numerator < 0n ? -numerator : numerator, denominator < 0n ? -denominator : denominator];
  const [quotient, twice] = [n / d, (n % d) * 2n];
  return sign * (twice > d || (twice === d && quotient % 2n === 1n) ? quotient + 1n : quotient);
}

function scaledText(scaled: bigint): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(9, '0');
  const fraction = digits.slice(-8).replace(/0+$/, '');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -8)}${fraction === '' ? '' : `.${fraction}`}`;
}
