import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Alteration } from '@k2/domain/lake';
import { PortError, type CompactionReport, type TableMaintenance } from '@k2/ports';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { Inspections, MAINTENANCE_POLICY, MaintenanceJobs, Turn, type MaintainStatus } from '@k2/usecases';
import { createApp } from '../app.ts';
import { FakePlatform, SNAPSHOT_ID } from '../test-support/fake-platform.ts';

const REPORT: CompactionReport = {
  table: 'market_data.trades',
  dryRun: false,
  ...{ groups: 1, abandonedGroups: 0, filesBefore: 8, filesAfter: 1, rows: 100 },
  ...{ bytesBefore: 1_000, bytesAfter: 400, isDone: true },
};
const FOREIGN_DELETE: Alteration = {
  ...{ cause: 'other-engine', exchange: 'SIMX', fromUs: 0, toUs: null, removedRows: 16, addedRows: 0 },
  ...{ snapshotId: SNAPSHOT_ID, committedUs: 3_000_000, operation: 'overwrite' },
};
const IDLE: Omit<MaintainStatus, 'tables'> = {
  state: 'waiting',
  ...{ rounds: 1, lastRoundUs: 0, rewrittenFiles: 0, expiredSnapshots: 0, deletedFiles: 0, failures: 0 },
  lastFailure: null,
};
const ROLES = { role: ['api', 'maintain'] as const };

let compact: TableMaintenance['compact'];
let platform: FakePlatform;
let inspections: Inspections;
let app: NestFastifyApplication;

beforeEach(async () => {
  compact = async () => REPORT;
  platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
  const { ports } = platform.context().platform;
  const maintenance = { compact: (...given) => compact(...given) } as Partial<TableMaintenance> as TableMaintenance;
  inspections = new Inspections(ports.telemetry);
  const given = { ...ports, maintenance };
  platform.maintenanceJobs = new MaintenanceJobs(given, MAINTENANCE_POLICY, new Turn(), inspections);
  app = await createApp(platform.context(ROLES));
});
afterEach(() => app.close());

const WORK = { tasks: ['compact'], tables: ['market_data.trades'] };
const begin = (payload: object = WORK) => app.inject({ method: 'POST', url: '/v1/maintenance', payload });
const get = async (url: string) => (await app.inject({ method: 'GET', url })).json();

async function ended(url: string) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const job = await get(url);
    if (job.endedTime !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the job did not end');
}

describe('maintenance over HTTP', () => {
  it('begins a job, says where it is told of, and reports what it did', async () => {
    const { statusCode, headers } = await begin();
    expect([statusCode, headers.location]).toEqual([202, expect.stringMatching(/^\/v1\/maintenance\/./)]);
    const job = await ended(headers.location as string);
    expect(job).toMatchObject({ state: 'done', ...WORK, dryRun: false, stepsDone: 1, stepsTotal: 1, problem: null });
    expect(job.reports).toEqual([{ task: 'compact', ...REPORT }]);
    const { data } = await get('/v1/maintenance');
    expect(data).toMatchObject([{ id: job.id, state: 'done' }]);
    expect(data[0]).not.toHaveProperty('reports');
  });

  it('tells what changed rows other than recording, in the job and in the status', async () => {
    platform.store.alterations = [FOREIGN_DELETE];
    const { location } = (await begin({ tasks: ['inspect'], tables: ['market_data.trades'] })).headers;
    const { reports } = await ended(location as string);
    expect(reports).toEqual([
      {
        ...{ task: 'inspect', table: 'market_data.trades', dryRun: false, files: 1, uncheckedFiles: 1 },
        alterations: [
          {
            ...{ kind: 'unverifiable', cause: 'other-engine', exchange: 'SIMX', removedRows: 16, addedRows: 0 },
            ...{ fromTime: '1970-01-01T00:00:00.000Z', toTime: null },
            ...{ snapshotId: '4132479056017389321', committedTime: '1970-01-01T00:00:03.000Z', operation: 'overwrite' },
          },
        ],
      },
    ]);
    platform.status = { maintain: { ...IDLE, tables: inspections.tables } };
    const served = await createApp(platform.context(ROLES));
    const { maintain } = (await served.inject({ method: 'GET', url: '/v1/stats' })).json();
    expect(maintain.tables).toEqual(reports);
    await served.close();
  });

  it('refuses a second job and says which one runs', async () => {
    compact = () => new Promise(() => {});
    const first = (await begin()).json();
    const second = await begin();
    expect(second.statusCode).toBe(409);
    expect(second.json().detail).toContain(first.id);
  });

  it('cancels a job', async () => {
    compact = (_table, { signal }) =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(new PortError('cancelled', 'cancelled')));
      });
    const { location } = (await begin()).headers;
    const answer = await app.inject({ method: 'DELETE', url: location as string });
    expect([answer.statusCode, answer.json().state]).toEqual([200, 'stopping']);
    expect(await ended(location as string)).toMatchObject({ state: 'cancelled' });
  });

  it('tells of a failure with problem details that name no address', async () => {
    compact = () => Promise.reject(new PortError('unavailable', 'bucket lake at http://10.0.0.7:9000 is away'));
    const { location } = (await begin()).headers;
    const job = await ended(location as string);
    expect(job).toMatchObject({ state: 'failed', step: { task: 'compact' }, problem: { status: 503 } });
    expect(JSON.stringify(job)).not.toContain('10.0.0.7');
    expect(platform.lines.find(({ level }) => level === 'warn')).toMatchObject({
      fields: { error: { message: expect.stringContaining('10.0.0.7') } },
    });
  });

  it.each([
    ['a task that there is not', { tasks: ['clean'] }, 'tasks'],
    ['a task named twice', { tasks: ['compact', 'compact'] }, 'tasks'],
    ['no task', { tasks: [] }, 'tasks'],
    ['a table that there is not', { tables: ['market_data.prices'] }, 'tables'],
    ['a text for a boolean', { dryRun: 'yes' }, 'dryRun'],
    ['an unknown field', { force: true }, 'force'],
  ])('refuses %s', async (_what, payload, field) => {
    const answer = await begin(payload);
    expect([answer.statusCode, answer.json().errors[0].field]).toEqual([400, field]);
  });

  it('knows no job that there is not, and no method that a job has not', async () => {
    const unknown = await app.inject({ method: 'GET', url: '/v1/maintenance/none' });
    expect([unknown.statusCode, unknown.json().type]).toEqual([404, 'urn:k2:problem:unknown-job']);
    const put = await app.inject({ method: 'PUT', url: '/v1/maintenance/none' });
    expect([put.statusCode, put.headers.allow]).toEqual([405, 'DELETE, GET, HEAD']);
  });

  it('is of the process that has the role', async () => {
    platform.maintenanceJobs = null;
    const other = await createApp(platform.context({ role: ['api'] }));
    const answer = await other.inject({ method: 'POST', url: '/v1/maintenance', payload: {} });
    expect([answer.statusCode, answer.json().detail]).toEqual([409, expect.stringContaining('role maintain')]);
    await other.close();
  });

  it('is served by a process that answers no questions, too', async () => {
    const other = await createApp(platform.context({ role: ['maintain'] }));
    const answer = await other.inject({ method: 'POST', url: '/v1/maintenance', payload: WORK });
    expect(answer.statusCode).toBe(202);
    await other.close();
  });

  it('begins nothing once the process is about to end', async () => {
    await platform.maintenanceJobs!.serve(AbortSignal.abort());
    expect((await begin()).statusCode).toBe(503);
  });
});
