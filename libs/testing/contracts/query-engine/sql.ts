import { describe, expect, it } from '@jest/globals';
import { DAY_START_US, gapRecord, placed, plannedRows, quoteBatch, tradeBatch } from '../../builders/index.ts';
import { ASK, type Asker } from '../query-engine.contract.ts';

export function sqlContract(asker: Asker, isCapable: boolean): void {
  describe('sql', () => {
    const rows = plannedRows({
      ticks: [placed(tradeBatch({ count: 3 })), placed(quoteBatch({ count: 2 }))],
      gaps: [gapRecord()],
    });
    const sql = (text: string, limit = 100) => asker.rows({ kind: 'sql', sql: text, limit }, rows);

    if (!isCapable) {
      it('is refused', async () => {
        await expect(sql('SELECT 1')).rejects.toMatchObject({ kind: 'unsupported' });
        await expect(asker.engine().sqlReads('SELECT 1', ASK)).rejects.toMatchObject({ kind: 'unsupported' });
      });
      return;
    }

    it('selects from every relation, qualified or not', async () => {
      expect(await sql('SELECT symbol, price, message_id FROM trades ORDER BY source_sequence DESC LIMIT 1')).toEqual([
        { symbol: 'BHP', price: '36.02', message_id: 'ASX/BHP/2014-03-10/3' },
      ]);
      expect(await sql('SELECT count(*) AS n FROM market_data.quotes')).toEqual([{ n: 2 }]);
      expect(await sql('SELECT status FROM sequence_gaps UNION ALL SELECT reason FROM audit.quarantine')).toEqual([
        { status: 'open' },
      ]);
      expect(await sql('SELECT count(*) AS n FROM sessions')).toEqual([{ n: 0 }]);
    });

    it('says what has to be planned', async () => {
      const reads = (text: string) => asker.engine().sqlReads(text, ASK);
      expect(await reads('SELECT 1')).toEqual([]);
      expect(await reads('SELECT count(*) FROM sessions, market_data.quotes')).toEqual([
        { table: 'audit.sessions' },
        { table: 'market_data.quotes' },
      ]);
      await expect(reads('SELECT * FROM elsewhere')).rejects.toMatchObject({ kind: 'forbidden-query' });
      await expect(reads('SELEC 1')).rejects.toMatchObject({ kind: 'invalid-query' });
    });

    it('joins, aggregates and nests', async () => {
      const text = `WITH t AS (SELECT symbol, "timestamp" AS at, price FROM trades)
        SELECT t.symbol, count(*) AS n, sum(t.price) AS total FROM t ASOF JOIN quotes q ON t.symbol = q.symbol AND t.at >= q."timestamp" GROUP BY t.symbol;`;
      expect(await sql(text)).toEqual([{ symbol: 'BHP', n: 3, total: '108.03' }]);
    });

    it('keeps the order asked for, up to the limit', async () => {
      expect(await sql('SELECT source_sequence AS s FROM trades ORDER BY s DESC', 2)).toEqual([{ s: 3 }, { s: 2 }]);
    });

    it('answers in UTC, and integers beyond 2^53 exactly', async () => {
      const [row] =
        await sql(`SELECT min("timestamp") AS at, 9223372036854775807 AS big, 170141183460469231731687303715884105727::HUGEINT AS huge,
        date_trunc('day', max("timestamp"))::VARCHAR AS day, NULL::VARCHAR AS nothing, '' AS empty, true AS yes, 0.5::DOUBLE AS half FROM trades`);
      expect(row).toEqual({
        at: DAY_START_US,
        big: 9_223_372_036_854_775_807n,
        huge: '170141183460469231731687303715884105727',
        day: '2014-03-10 00:00:00+00',
        nothing: null,
        empty: '',
        yes: true,
        half: 0.5,
      });
    });

    it('names every column apart, whatever the case of its name', async () => {
      expect(await sql('SELECT 1 AS a, 2 AS "a:1", 3 AS a, 4 AS "A", 5 AS a_1')).toEqual([
        { a: 1, 'a:1': 2, a_2: 3, A_3: 4, a_1: 5 },
      ]);
    });

    it('keeps nulls within lists and maps of strings', async () => {
      expect(await sql("SELECT ['x', NULL, ''] AS list, MAP {'n': NULL, 'e': ''} AS map")).toEqual([
        { list: ['x', null, ''], map: { n: null, e: '' } },
      ]);
    });

    it('takes numbers with an exponent, and fractions of as many digits as a decimal has', async () => {
      const nines = `0.${'9'.repeat(38)}`;
      expect(await sql(`SELECT 1e3 AS thousand, 2.5e0 + 1e0 AS sum, ${nines}::DECIMAL(38,38) AS nines`)).toEqual([
        { thousand: 1_000, sum: 3.5, nines },
      ]);
    });

    it('says invalid-query of what does not parse, bind or run', async () => {
      for (const text of ['SELEC 1', '', 'SELECT nonsense FROM trades', "SELECT CAST('x' AS INTEGER)"]) {
        await expect(sql(text)).rejects.toMatchObject({ kind: 'invalid-query' });
      }
    });

    it('says forbidden-query of what is not one SELECT over its relations', async () => {
      for (const text of [
        'SELECT 1; SELECT 2',
        'DROP TABLE trades',
        "SELECT * FROM 'x.parquet'",
        'SELECT * FROM elsewhere',
      ]) {
        await expect(sql(text)).rejects.toMatchObject({ kind: 'forbidden-query' });
      }
    });
  });
}
