import { describe, expect, it } from '@jest/globals';
import { AWKWARD_SYMBOLS, DAY_START_US, placed, plannedRows, series, tradeBatch } from '../../builders/index.ts';
import { ticks, type Asker } from '../query-engine.contract.ts';

export function filterContract(asker: Asker): void {
  describe('filters', () => {
    const times = [-1, 0, 1, 999, 1_000];
    const trades = tradeBatch({ rows: times.map((at, i) => ({ eventTimeUs: DAY_START_US + at, venueSequence: i })) });
    const sequences = async (filter: Parameters<typeof ticks>[1]) => {
      const rows = await asker.rows(
        ticks('trades', { fields: ['source_sequence'], ...filter }),
        plannedRows({ ticks: [placed(trades)] }),
      );
      return rows.map((row) => row['source_sequence']);
    };

    it('takes times from the first, up to before the last', async () => {
      expect(await sequences({ filter: { fromUs: DAY_START_US, toUs: DAY_START_US + 1_000 } })).toEqual([1, 2, 3]);
      expect(await sequences({ filter: { fromUs: DAY_START_US + 1_000 } })).toEqual([4]);
      expect(await sequences({ filter: { toUs: DAY_START_US } })).toEqual([0]);
      expect(await sequences({ filter: { fromUs: DAY_START_US, toUs: DAY_START_US } })).toEqual([]);
    });

    it('takes no symbol where none is listed', async () => {
      expect(await sequences({ filter: { symbols: [] } })).toEqual([]);
    });

    it('takes no row where the limit is 0', async () => {
      expect(await sequences({ limit: 0 })).toEqual([]);
    });

    it('matches symbols verbatim, whatever they hold', async () => {
      const symbols = [...AWKWARD_SYMBOLS, "O'Neil/€%", '"; DROP TABLE trades; --', '$1', '', '%', "''"];
      const rows = plannedRows({
        ticks: [placed(tradeBatch({ rows: symbols.map((symbol) => ({ series: series({ symbol }) })) }))],
      });
      for (const symbol of symbols) {
        expect(await asker.rows(ticks('trades', { filter: { symbols: [symbol] }, fields: ['symbol'] }), rows)).toEqual([
          { symbol },
        ]);
      }
      const three = await asker.rows(
        ticks('trades', { filter: { symbols: ['BHP', 'bhp', '%'] }, fields: ['symbol'], order: 'newest-first' }),
        rows,
      );
      expect(three.map((row) => row['symbol']).sort()).toEqual(['%', 'BHP', 'bhp']);
      expect(await asker.rows(ticks('trades', { filter: { exchange: "A'" } }), rows)).toEqual([]);
    });
  });
}
