import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { engineOver, sql, type Fixture } from './test-support/fixture.ts';
import { quoted } from './test-support/local-lake.ts';

const ASK = { timeoutMs: 20_000 };

describe('user SQL as Parquet', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    const rows = plannedRows({ ticks: [placed(tradeBatch({ count: 9 }))] });
    fixture = await engineOver(rows, { typedProcesses: 1, sqlProcesses: 1 });
  }, 60_000);
  afterAll(() => fixture.close());

  it('has sums of integers exactly, within lists and structs too, and names that occur twice', async () => {
    const path = fixture.lake.path('sums.parquet');
    const text = `SELECT sum(9007199254740993 + source_sequence * 0) AS s, [sum(9007199254740993)] AS l,
      {'a "HUGEINT"': sum(9007199254740993)} AS t, 1 AS n, 2 AS n, count(*) AS c FROM trades`;
    expect(await fixture.engine.exportParquet(sql(text), fixture.plans, path, ASK)).toEqual({ rowCount: 1 });
    const [row] = await fixture.lake.run(`SELECT s::VARCHAR AS s, typeof(s) AS type, l::VARCHAR AS l, t::VARCHAR AS t,
      n, n_1, c FROM ${quoted(path)}`);
    expect(row).toMatchObject({
      s: '81064793292668937',
      type: 'DECIMAL(38,0)',
      l: '[81064793292668937]',
      n: 1,
      n_1: 2,
    });
    expect(row['t']).toContain('81064793292668937');
  });

  it.each([
    [
      'fixed-size arrays, null ones too',
      'SELECT x AS a FROM (VALUES ([1, 2]::INT[2]), (NULL), ([3, 4]::INT[2])) AS t(x)',
      ['[1, 2]', null, '[3, 4]'],
    ],
    ['a null array alone', 'SELECT NULL::INT[2] AS a', [null]],
    ['arrays within arrays', 'SELECT [[1, 2], NULL]::INT[2][2] AS a', ['[[1, 2], NULL]']],
    [
      'arrays within structs, maps and unions',
      `SELECT {'l': MAP {1: NULL::INT[2]}, 'u': union_value(a := NULL::INT[2])} AS a`,
      ["{'l': {1=NULL}, 'u': (0, NULL)}"],
    ],
    ['negative intervals', "SELECT INTERVAL '-1 day' AS a", ['-1 day']],
    [
      'intervals to the µs',
      `SELECT min("timestamp") - max("timestamp") - INTERVAL '1.0005 second' AS a FROM trades WHERE source_sequence = 1`,
      ['-00:00:01.0005'],
    ],
    ['intervals within lists', "SELECT [INTERVAL '-1 month'] AS a", ['[-1 month]']],
    ['times of day with an offset', "SELECT '12:00:00+05'::TIMETZ AS a", ['12:00:00+05']],
    ['a struct whose field has the name of a type', "SELECT {'HUGEINT': 1::HUGEINT} AS a", ["{'HUGEINT': 1}"]],
    ['an enum with a value that is the name of a type', "SELECT 'HUGEINT'::ENUM('HUGEINT', 'it''s') AS a", ['HUGEINT']],
  ])('holds every value as it is: %s', async (_, text, texts) => {
    const path = fixture.lake.path('held.parquet');
    await fixture.engine.exportParquet(sql(text), fixture.plans, path, ASK);
    const rows = await fixture.lake.run(`SELECT a::VARCHAR AS a, typeof(a) AS type FROM ${quoted(path)}`);
    expect(rows.map(({ a }) => a)).toEqual(texts);
    // Of an array DuckDB writes, and itself reads, what Parquet does not allow: an item less than the lengths say.
    expect(rows[0]['type']).not.toMatch(/\[\d+\]/);
  });

  it('has the names that rows sent back have', async () => {
    const path = fixture.lake.path('names.parquet');
    const text = 'SELECT 1 AS a, 2 AS "a:1", 3 AS a, 4 AS "A", 5 AS a_1, 6 AS "É", 7 AS "é", 8 AS "\u212a", 9 AS k';
    const { columns, batches } = await fixture.engine.ask(sql(text), fixture.plans, ASK);
    for await (const batch of batches) expect(batch.rowCount).toBe(1);
    await fixture.engine.exportParquet(sql(text), fixture.plans, path, ASK);
    const [row] = await fixture.lake.run(`SELECT * FROM ${quoted(path)}`);
    const names = ['a', 'a:1', 'a_2', 'A_3', 'a_1', 'É', 'é', '\u212a', 'k'];
    expect(columns.map(({ name }) => name)).toEqual(names);
    expect(Object.keys(row)).toEqual(names);
  });

  it('is refused if an integer has more than 38 digits, and leaves no file', async () => {
    const path = fixture.lake.path('wide.parquet');
    const asked = sql('SELECT 170141183460469231731687303715884105727::HUGEINT AS h');
    const exporting = fixture.engine.exportParquet(asked, fixture.plans, path, ASK);
    await expect(exporting).rejects.toMatchObject({
      kind: 'invalid-query',
      message: expect.stringMatching(/source column "?h\b/),
    });
    expect(fixture.lake.files().filter((name) => name.startsWith('wide'))).toEqual([]);
  });
});
