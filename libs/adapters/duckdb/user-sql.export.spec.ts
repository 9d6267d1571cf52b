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

  it('is refused if an integer has more than 38 digits, and leaves no file', async () => {
    const path = fixture.lake.path('wide.parquet');
    const asked = sql('SELECT 170141183460469231731687303715884105727::HUGEINT AS h');
    const exporting = fixture.engine.exportParquet(asked, fixture.plans, path, ASK);
    await expect(exporting).rejects.toMatchObject({ kind: 'invalid-query' });
    expect(fixture.lake.files().filter((name) => name.startsWith('wide'))).toEqual([]);
  });
});
