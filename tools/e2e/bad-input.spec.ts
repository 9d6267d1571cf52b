import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until, withLogs } from './scenario.ts';
import { ServerUnderTest, type Problem, type TickPage } from './server-under-test.ts';

const QUERY_TIMEOUT_MS = 4_000;

describe('a request that is wrong', () => {
  let server: ServerUnderTest;
  beforeAll(
    withLogs(async () => {
      server = await ServerUnderTest.start({
        feed: 'simulator:ticks=50000,rate=max,start=2026-01-05T14:30:00Z,session=bad-input',
        env: { K2_QUERY_TIMEOUT_MS: String(QUERY_TIMEOUT_MS), K2_QUERY_MEMORY_BYTES_MAX: String(512 * 2 ** 20) },
      });
      await server.drained();
    }),
    60_000,
  );
  afterAll(async () => {
    await server.stop();
  }, 30_000);

  async function problemOf(response: Response): Promise<Problem> {
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const problem = (await response.json()) as Problem;
    expect([problem.status, problem.correlationId]).toEqual([
      response.status,
      response.headers.get('x-correlation-id'),
    ]);
    expect(problem.detail).not.toBe('');
    return problem;
  }

  it.each([
    ['/v1/trades?limit=none', 'limit', 'an integer from 1'],
    ['/v1/trades?limit=0', 'limit', 'an integer from 1'],
    ['/v1/trades?limit=20000', 'limit', 'from 1 to 10000 for JSON'],
    ['/v1/trades?from=yesterday', 'from', 'ISO 8601'],
    ['/v1/trades?from=2026-02-30', 'from', 'ISO 8601'],
    ['/v1/trades?from=2026-01-02&to=2026-01-01', 'to', 'after from'],
    ['/v1/trades?symbol=', 'symbol', 'symbols of 1 to'],
    ['/v1/trades?exchange=a&exchange=b', 'exchange', 'one venue code'],
    ['/v1/trades?fields=price,colour', 'fields', 'some of'],
    ['/v1/trades?order=random', 'order', 'oldest-first or newest-first'],
    ['/v1/trades?cursor=abc', 'cursor', 'nextCursor of an earlier answer'],
    ['/v1/trades?asOf=later', 'asOf', 'a snapshot id'],
    ['/v1/trades?asOf=99999999999999999999', 'asOf', 'a snapshot id'],
    ['/v1/trades?format=xml', 'format', 'json, ndjson, csv, arrow, parquet'],
    ['/v1/trades?symbl=BHP', 'symbl', 'symbol'],
    ['/v1/bars?interval=5', 'interval', '5m'],
    ['/v1/snapshots?table=orders', 'table', 'market_data.trades'],
    ['/v1/gaps?recordType=bars', 'recordType', 'trades or quotes'],
  ])(
    '%s is a 400 that names %s and what was expected',
    withLogs(async (path: string, field: string, expected: string) => {
      const problem = await problemOf(await server.get(path));
      expect(problem.status).toBe(400);
      expect(problem.errors).toEqual([expect.objectContaining({ field, expected: expect.stringContaining(expected) })]);
    }),
    30_000,
  );

  it.each([
    ['no body', undefined, 400],
    ['a body without SQL', {}, 400],
    ['SQL that is a number', { sql: 1 }, 400],
    ['empty SQL', { sql: ' ' }, 400],
    ['a field that there is not', { sql: 'SELECT 1', qsl: 1 }, 400],
    ['a limit of nothing', { sql: 'SELECT 1', limit: 0 }, 400],
    ['SQL that does not parse', { sql: 'SELEC 1' }, 400],
    ['a column that there is not', { sql: 'SELECT colour FROM trades' }, 400],
    ['two statements', { sql: 'SELECT 1; SELECT 2' }, 403],
    ['an insert', { sql: 'INSERT INTO trades SELECT * FROM trades' }, 403],
    ['a drop', { sql: 'DROP TABLE trades' }, 403],
    ['a copy to a file', { sql: "COPY trades TO '/tmp/k2-e2e-never.csv'" }, 403],
    ['a setting', { sql: 'SET memory_limit = 1' }, 403],
    ['an extension', { sql: 'INSTALL httpfs' }, 403],
    ['a file of the machine', { sql: "SELECT * FROM read_text('/etc/hostname')" }, 403],
    ['a file as a table', { sql: "SELECT * FROM '/etc/passwd'" }, 403],
  ])(
    'SQL: %s is refused as a mistake of the caller',
    withLogs(async (_: string, body: object | undefined, status: number) => {
      const problem = await problemOf(await server.post('/v1/query', body));
      expect(problem.status).toBe(status);
      const [trades] = await server.sql<{ n: number }>('SELECT count(*) AS n FROM trades');
      expect(trades!.n).toBeGreaterThan(0);
    }),
    30_000,
  );

  it(
    'SQL: an unknown column is named with its likes, in a line',
    withLogs(async () => {
      const { detail } = await problemOf(await server.post('/v1/query', { sql: 'SELECT prise FROM trades' }));
      expect(detail).toMatch(/^there is no column "prise"; the nearest are price/);
    }),
    30_000,
  );

  it.each([
    ['runs for ever', 'SELECT count(*) FROM trades a, trades b, trades c WHERE a.price < b.price + c.price', [408]],
    ['asks for all memory', 'SELECT list(a.message_id || b.message_id) FROM trades a, quotes b', [408, 422]],
    ['has no end', 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t', [408, 422]],
  ])(
    'SQL that %s ends with a clear error, while others are answered',
    withLogs(async (_: string, sql: string, statuses: number[]) => {
      let isOver = false;
      const bomb = server.post('/v1/query', { sql }).finally(() => (isOver = true));
      let answered = 0;
      while (!isOver) {
        const page = await server.json<TickPage>('/v1/trades?limit=10');
        expect(page.data).toHaveLength(10);
        answered++;
      }
      expect(answered).toBeGreaterThan(0);
      const problem = await problemOf(await bomb);
      expect(statuses).toContain(problem.status);
      await until(
        'SQL being answered again',
        () => server.post('/v1/query', { sql: 'SELECT 1 AS one' }).then(({ status }) => status),
        (status) => status === 200,
      );
    }),
    30_000,
  );

  it.each([
    ['GET', '/v1/orders', {}, 404],
    ['DELETE', '/v1/trades', {}, 405],
    ['GET', '/v1/query', {}, 405],
    ['GET', '/v1/trades', { accept: 'image/png' }, 406],
    ['POST', '/v1/query', { 'content-type': 'text/plain' }, 415],
    ['POST', '/v1/query', { 'content-type': 'application/json' }, 400],
  ])(
    '%s %s with %j is refused as HTTP says',
    withLogs(async (method: string, path: string, headers: object, status: number) => {
      const body = method === 'POST' ? 'SELECT 1' : null;
      const response = await server.get(path, { method, headers: headers as Record<string, string>, body });
      expect((await problemOf(response)).status).toBe(status);
    }),
    30_000,
  );
});
