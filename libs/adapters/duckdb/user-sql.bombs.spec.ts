import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPortError } from '@k2/ports';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import { engineOver, sql, ticks, type Fixture } from './test-support/fixture.ts';

/** Memory and processor bombs; some ignore DuckDB's own memory limit, some its interrupt. */
const BOMBS: readonly string[] = [
  "SELECT length(repeat('x', 4000000000))",
  "SELECT length(repeat(repeat('x', 60000), 60000))",
  "SELECT list_aggregate(range(400000000), 'sum')",
  'SELECT len(list_transform(range(200000000), lambda x: x::VARCHAR))',
  "SELECT string_agg(i::VARCHAR, ',') FROM range(1000000000) AS t(i)",
  'SELECT list(i) FROM range(1000000000) AS t(i)',
  'SELECT count(DISTINCT i) FROM range(3000000000) AS t(i)',
  'SELECT sum(hash(a.i, b.i)) FROM range(1000000) AS a(i), range(10000000) AS b(i)',
  'SELECT * FROM range(1000000000) AS t(i) ORDER BY hash(i)',
  "SELECT regexp_replace(repeat('a', 50000000), '(a*)*b', 'x', 'g')",
  "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))",
  'SELECT list_sort(list_transform(range(100000000), lambda x: hash(x)))',
  'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n',
  "SELECT lpad('x', 2000000000, 'y') || rpad('x', 2000000000, 'y')",
  'SELECT histogram(i::VARCHAR) FROM range(1000000000) AS t(i)',
  "SELECT printf('%1000000000d', 1)",
];

describe('bombs in user SQL', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    const config = {
      typedProcesses: 1,
      sqlProcesses: 1,
      memoryBytesMax: 400_000_000,
      killGraceMs: 100,
      threadsPerProcess: 1,
    };
    fixture = await engineOver(plannedRows({ ticks: [placed(tradeBatch({ count: 3 }))] }), config);
  }, 60_000);
  afterAll(() => fixture.close());

  it.each(BOMBS)(
    'end by deadline or memory cap, and typed questions go on: %s',
    async (bomb) => {
      const exploding = fixture.engine.ask(sql(bomb), fixture.plans, { timeoutMs: 1_500 }).then(answerRows);
      const ended = exploding.then(
        () => 'answered',
        (error: unknown) => (isPortError(error) ? error.kind : error),
      );
      expect(await answerRows(await fixture.engine.ask(ticks(), fixture.plans, { timeoutMs: 20_000 }))).toHaveLength(3);
      expect(['timeout', 'out-of-memory', 'invalid-query']).toContain(await ended);
      const after = await fixture.engine.ask(sql('SELECT count(*) AS n FROM trades'), fixture.plans, {
        timeoutMs: 20_000,
      });
      expect(await answerRows(after)).toEqual([{ n: 3 }]);
    },
    60_000,
  );

  it('names the cap and the deadline', async () => {
    const bomb = (text: string, timeoutMs: number) => fixture.engine.ask(sql(text), fixture.plans, { timeoutMs });
    await expect(bomb(BOMBS[0], 20_000)).rejects.toMatchObject({
      kind: 'out-of-memory',
      context: { memoryBytesMax: 400_000_000 },
    });
    await expect(bomb(BOMBS[7], 300)).rejects.toMatchObject({ kind: 'timeout', context: { timeoutMs: 300 } });
  }, 60_000);
});
