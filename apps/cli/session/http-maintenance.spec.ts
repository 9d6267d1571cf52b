import { afterEach, describe, expect, it } from '@jest/globals';
import { runCli } from '../testing/fake-context.ts';
import { sendJson, startFakeServer, type FakeRequest, type FakeServer } from '../testing/fake-server.ts';
import { HttpSession } from './http-session.ts';

const REPORT = { task: 'manifests', table: 'market_data.trades', dryRun: false, manifestsBefore: 9, manifestsAfter: 1 };
const STEP = { task: 'manifests', table: 'market_data.trades', progress: null };
const JOB = { id: 'job-1', stepsDone: 0, stepsTotal: 2, step: STEP, reports: [], problem: null };

let server: FakeServer;
afterEach(() => server.close());

/** A server whose job is what `jobs` says, one after the other; the last stays. */
async function serving(...jobs: readonly object[]): Promise<void> {
  let asked = 0;
  server = await startFakeServer(({ method }, response) => {
    const job = method === 'POST' ? JOB : jobs[Math.min(asked++, jobs.length - 1)];
    sendJson(response, method === 'POST' ? 202 : 200, { ...JOB, state: 'running', ...job });
  });
}

const maintain = (args: readonly string[], signal = new AbortController().signal) =>
  runCli(['maintain', ...args], { signal, openSession: async () => new HttpSession(server.url, signal) });
const sent = (method: string): FakeRequest[] => server.requests.filter((one) => one.method === method);

describe('k2 maintain through a server', () => {
  it('begins a job of what was asked for, follows it and prints what it did', async () => {
    await serving({ reports: [REPORT] }, { state: 'done', reports: [REPORT, { ...REPORT, manifestsBefore: 7 }] });
    const { exitCode, stdout, stderr } = await maintain(['manifests', '--table', 'market_data.trades', '--dry-run']);
    expect([exitCode, stderr]).toEqual([0, 'nothing was changed: --dry-run\n']);
    expect(stdout.match(/manifests into 1/g)).toHaveLength(2);
    expect(JSON.parse(sent('POST')[0]!.body)).toEqual({
      tasks: ['manifests'],
      tables: ['market_data.trades'],
      dryRun: true,
    });
    expect(sent('DELETE')).toEqual([]);
  });

  it('with --json prints each report as a line, once', async () => {
    await serving({ reports: [REPORT] }, { reports: [REPORT] }, { state: 'done', reports: [REPORT] });
    expect((await maintain(['--json'])).stdout).toBe(`${JSON.stringify(REPORT)}\n`);
  });

  it('tells what changed rows other than by recording them, under the table', async () => {
    const alteration = {
      ...{ kind: 'unverifiable', cause: 'other-engine', exchange: 'SIMX', removedRows: 16, addedRows: 0 },
      ...{ fromTime: '2026-01-05T00:00:00.000Z', toTime: '2026-01-06T00:00:00.000Z' },
      ...{ snapshotId: '81', committedTime: '2026-01-05T14:30:00.000Z', operation: 'overwrite' },
    };
    const files = { files: 12, uncheckedFiles: 3 };
    const inspection = {
      task: 'inspect',
      table: 'market_data.trades',
      dryRun: false,
      alterations: [alteration],
      ...files,
    };
    await serving({ state: 'done', reports: [inspection] });
    const { stdout } = await maintain(['inspect']);
    expect(stdout).toContain('found 1 alteration, 3 of 12 files without a digest');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      'market_data.trades: snapshot 81 (overwrite), which K2 did not commit, removed 16 rows of SIMX from 2026-01-05T00:00:00.000Z to 2026-01-06T00:00:00.000Z; answers over them say unverifiable',
    );
  });

  it('ends with the step and the problem of a job that failed', async () => {
    const problem = { detail: 'something cannot be reached', status: 503 };
    await serving({ state: 'failed', reports: [REPORT], problem });
    const { exitCode, stdout, stderr } = await maintain([]);
    expect([exitCode, stderr]).toEqual([3, 'k2: manifests of market_data.trades: something cannot be reached\n']);
    expect(stdout).toContain('9 manifests into 1');
  });

  it('ends with 1 where another has cancelled the job', async () => {
    await serving({ state: 'cancelled' });
    const { exitCode, stderr } = await maintain([]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('job job-1 was cancelled')]);
  });

  it('cancels the job in the server on Ctrl-C, and says so', async () => {
    const interrupt = new AbortController();
    server = await startFakeServer(({ method }, response) => {
      sendJson(response, 200, { ...JOB, state: 'running' });
      if (method === 'GET') interrupt.abort();
    });
    const { exitCode, stderr } = await maintain([], interrupt.signal);
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('the job is cancelled in the server')]);
    expect(sent('DELETE').map(({ url }) => url.pathname)).toEqual(['/v1/maintenance/job-1']);
  });

  it('tells of a server that can not', async () => {
    server = await startFakeServer((_request, response) =>
      sendJson(response, 409, { detail: 'ask the one that has the role maintain' }),
    );
    const { exitCode, stderr } = await maintain([]);
    expect([exitCode, stderr]).toEqual([1, 'k2: ask the one that has the role maintain\n']);
  });
});
