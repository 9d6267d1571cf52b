import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { BuiltProcess } from './built-process.ts';
import { k2, k2Json } from './cli-under-test.ts';
import { scenario, until, withLogs } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly endedTime: string | null;
  readonly dryRun: boolean;
}

interface Report {
  readonly task: string;
  readonly table: string;
  readonly filesBefore?: number;
  readonly rows?: number;
}

/** A day that is over, in many small files, which the server's schedule does not come to by itself. */
const FEED = 'simulator:start=2026-01-05T00:00:00Z,ticks=60000,rate=max';
const MANY_FILES = { K2_FLUSH_INTERVAL_MS: '50', K2_FLUSH_ROWS_MAX: '2000', K2_MAINTAIN_INTERVAL_MS: '3600000' };

describe('maintenance through a server', () => {
  let server: ServerUnderTest;
  beforeAll(
    withLogs(async () => {
      server = await ServerUnderTest.start({ feed: FEED, env: MANY_FILES });
      await server.drained();
    }),
    60_000,
  );
  afterAll(async () => {
    await server.stop();
  }, 30_000);

  const jobs = async () => (await server.json<{ readonly data: readonly Job[] }>('/v1/maintenance')).data;
  const through = (...args: readonly string[]) => k2(server.data, 'maintain', ...args, '--url', server.url);
  const rowCounts = async () => (await server.stats()).tables.map(({ table, rowCount }) => [table, rowCount]);

  scenario('a dry run changes nothing, and is what the directory would say', async () => {
    const task = ['maintain', 'compact', '--dry-run', '--table', 'market_data.trades'];
    const byServer = await k2Json<Report>(server.data, ...task, '--url', server.url);
    expect(byServer).toEqual(await k2Json<Report>(server.data, ...task));
    expect(byServer).toMatchObject([{ task: 'compact', table: 'market_data.trades', dryRun: true }]);
    expect(await jobs()).toMatchObject([{ state: 'done', dryRun: true }]);
  });

  scenario('Ctrl-C cancels the job in the server', async () => {
    const command = new BuiltProcess('apps/cli/dist/main.js', ['maintain', '--url', server.url]);
    const latest = async () => (await jobs())[0]!;
    await until('a job that runs', latest, ({ state }) => state === 'running');
    command.signal('SIGINT');
    const { code, stderr } = await command.endWithin(20_000);
    expect([code, stderr]).toEqual([130, expect.stringContaining('the job is cancelled in the server')]);
    const { state } = await until('the end of the job', latest, ({ endedTime }) => endedTime !== null);
    expect(state).toBe('cancelled');
  });

  scenario('it merges the files, and every row stays', async () => {
    const before = await rowCounts();
    const { code, stdout, stderr } = await through();
    expect([code, stderr]).toEqual([0, '']);
    for (const task of ['compact', 'manifests', 'expire', 'orphans']) expect(stdout).toContain(task);
    expect(await rowCounts()).toEqual(before);
    const [again] = await k2Json<Report>(server.data, 'maintain', 'compact', '--dry-run', '--url', server.url);
    expect(again).toMatchObject({ filesBefore: 0 });
  });

  scenario('a server without the role says which one to ask', async () => {
    const other = await ServerUnderTest.start({ flags: ['--role', 'ingest,sink,api'] });
    const { code, stderr } = await k2(other.data, 'maintain', '--url', other.url);
    expect([code, stderr]).toEqual([1, expect.stringContaining('role maintain')]);
    await other.stop();
  });

  scenario('a server that is stopped ends its job and exits cleanly', async () => {
    const own = await ServerUnderTest.start({ feed: FEED, env: MANY_FILES });
    await own.drained();
    expect((await own.post('/v1/maintenance', {})).status).toBe(202);
    expect((await own.stop()).code).toBe(0);
  });
});
