import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SqlRead } from '@k2/ports';
import { plannedRows, placed, tradeBatch } from '@k2/testing/builders';
import { openDatabase, type EngineDatabase } from './engine-database.ts';
import { engineOver, sql } from './test-support/fixture.ts';

const DAY_US = 86_400_000_000;
const MARCH_10_US = Date.UTC(2014, 2, 10) * 1_000;
const TRADES = { table: 'market_data.trades' } as const;

/** What a statement has to have planned. What is not understood narrows nothing. */
const READS: readonly (readonly [string, readonly SqlRead[]])[] = [
  ['SELECT 1', []],
  ['SELECT * FROM trades', [TRADES]],
  ['WITH quotes AS (SELECT 1) SELECT * FROM quotes', []],
  ['WITH quotes AS (SELECT * FROM quotes) SELECT * FROM quotes', [{ table: 'market_data.quotes' }]],
  [
    "SELECT * FROM Trades WHERE exchange = 'ASX' AND 'BHP' = SYMBOL",
    [{ ...TRADES, exchange: 'ASX', symbols: ['BHP'] }],
  ],
  [
    "SELECT * FROM market_data.trades t WHERE t.symbol IN ('A', 'B') AND price > 1",
    [{ ...TRADES, symbols: ['A', 'B'] }],
  ],
  [
    `SELECT * FROM trades WHERE "timestamp" >= '2014-03-10' AND "timestamp" < DATE '2014-03-11'`,
    [{ ...TRADES, fromUs: MARCH_10_US, toUs: MARCH_10_US + DAY_US + 1 }],
  ],
  [
    `SELECT * FROM trades WHERE "timestamp" BETWEEN TIMESTAMP '2014-03-10' AND '2014-03-11' AND "timestamp" > '2014-03-10 12:00'`,
    [{ ...TRADES, fromUs: MARCH_10_US + DAY_US / 2, toUs: MARCH_10_US + DAY_US + 1 }],
  ],
  // Something else than a constant, or more than a conjunction of comparisons.
  ["SELECT * FROM trades WHERE exchange = 'ASX' OR symbol = 'BHP'", [TRADES]],
  ["SELECT * FROM trades WHERE NOT exchange = 'ASX'", [TRADES]],
  ["SELECT * FROM trades WHERE upper(exchange) = 'ASX' AND symbol = currency", [TRADES]],
  ["SELECT * FROM trades WHERE exchange = 'asx' COLLATE NOCASE", [TRADES]],
  ["SELECT * FROM trades WHERE exchange <> 'ASX' AND symbol IN ('A', currency) AND symbol NOT IN ('B')", [TRADES]],
  [`SELECT * FROM trades WHERE "timestamp" > 'no time' AND "timestamp" < 'infinity'`, [TRADES]],
  [`SELECT * FROM trades WHERE "timestamp" > now() - INTERVAL 1 DAY`, [TRADES]],
  // The WHERE of another relation, or of rows that were chosen before.
  ["SELECT * FROM trades AS t(exchange) WHERE exchange = 'ASX'", [TRADES]],
  ["SELECT * FROM trades TABLESAMPLE reservoir(3 ROWS) WHERE exchange = 'ASX'", [TRADES]],
  ["SELECT * FROM (SELECT symbol AS exchange FROM trades) WHERE exchange = 'ASX'", [TRADES]],
  ["SELECT * FROM trades WHERE exchange = 'ASX' UNION ALL SELECT * FROM trades", [TRADES]],
  [
    "SELECT * FROM trades LEFT JOIN quotes USING (symbol) WHERE exchange = 'ASX'",
    [TRADES, { table: 'market_data.quotes' }],
  ],
  [
    "SELECT * FROM trades t WHERE EXISTS (SELECT 1 FROM quotes q WHERE t.exchange = 'ASX')",
    [TRADES, { table: 'market_data.quotes' }],
  ],
  ["SELECT * FROM sequence_gaps WHERE exchange = 'ASX'", [{ table: 'audit.sequence_gaps' }]],
];

describe('what user SQL reads', () => {
  let database: EngineDatabase;
  let functions: ReadonlySet<string>;
  beforeAll(async () => {
    database = await openDatabase({ mode: 'sql', threads: 1, duckDbMemoryBytesMax: 500_000_000 });
    functions = await database.functions();
  });
  afterAll(() => database.close());

  it.each(READS)('%s', async (text, reads) => {
    expect(await database.sqlReads(text, functions)).toEqual(reads);
  });

  it('is refused beyond the bytes that a statement may read, before a file is fetched', async () => {
    const { engine, lake, plans, close } = await engineOver(
      plannedRows({ ticks: [placed(tradeBatch({ count: 3 }))] }),
      { sqlScanBytesMax: 1_000 },
    );
    const large = plans.map((plan) => ({ ...plan, files: plan.files.map((file) => ({ ...file, sizeBytes: 1_001 })) }));
    const asked = engine.ask(sql('SELECT 1'), large, { timeoutMs: 20_000 });
    await expect(asked).rejects.toMatchObject({
      kind: 'invalid-query',
      message: expect.stringMatching(/files of 1001 bytes \(market_data\.trades 1001\), more than the 1000 .*WHERE/),
    });
    expect(lake.filesInUse).toBe(0);
    await close();
  });
});
