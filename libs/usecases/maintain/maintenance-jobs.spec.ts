import { ManualClock, ManualScheduler, MemoryTelemetry } from '@k2/adapter-memory';
import type { Alteration } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import {
  PortError,
  type CompactionReport,
  type MaintenanceOptions,
  type ScanPlan,
  type ScanRequest,
  type TableMaintenance,
} from '@k2/ports';
import { Inspections } from './inspections.ts';
import { Maintain } from './maintain.ts';
import { MaintenanceJobs, type MaintenanceJob } from './maintenance-jobs.ts';
import { MAINTENANCE_POLICY } from './maintenance-tasks.ts';
import { Turn } from './turn.ts';

const TRADES: TableName = 'market_data.trades';
const COMPACTED: CompactionReport = {
  table: TRADES,
  dryRun: false,
  groups: 1,
  abandonedGroups: 0,
  filesBefore: 8,
  filesAfter: 1,
  rows: 100,
  bytesBefore: 1_000,
  bytesAfter: 400,
  isDone: true,
};

const NOTHING = { alterations: [], keys: [] };

function planOf(table: TableName, lake: { readonly alterations: Alteration[]; readonly keys: string[] }): ScanPlan {
  const files = lake.keys.map((key) => ({ key, rowCount: 1, sizeBytes: 1, timeSpan: null }));
  const snapshot = { snapshotId: 82n, committedUs: 0, fields: [], filesTotal: files.length };
  return { table, ...snapshot, files, alterations: [...lake.alterations] };
}

type Compact = (options: MaintenanceOptions) => Promise<CompactionReport>;

/** Of maintenance that does nothing but compact, as the test says; it notes what runs beside what. */
function world(compact: Compact = async () => COMPACTED) {
  const clock = new ManualClock();
  const telemetry = new MemoryTelemetry();
  let atOnce = 0;
  const seen = { atOnceMax: 0, calls: [] as string[] };
  const noted = async <Report>(name: string, run: () => Promise<Report>): Promise<Report> => {
    seen.calls.push(name);
    seen.atOnceMax = Math.max(seen.atOnceMax, ++atOnce);
    return run().finally(() => atOnce--);
  };
  const nothing = { table: TRADES, dryRun: false };
  const maintenance: TableMaintenance = {
    compact: (table, options) => noted(`compact ${table}`, () => compact(options)),
    rewriteManifests: () => noted('manifests', async () => ({ ...nothing, manifestsBefore: 1, manifestsAfter: 1 })),
    expireSnapshots: () =>
      noted('expire', async () => ({
        ...nothing,
        ...{ snapshotsBefore: 1, expiredSnapshots: 0, deletedFiles: 0, deletedBytes: 0 },
      })),
    removeOrphans: () =>
      noted('orphans', async () => ({ ...nothing, deletedFiles: 0, deletedBytes: 0, keys: [], youngFiles: 0 })),
    dropBefore: () => Promise.reject(new Error('the policy keeps everything')),
  };
  let ids = 0;
  const turn = new Turn();
  const lake = { alterations: [] as Alteration[], keys: [] as string[] };
  const store = { plan: async ({ table }: ScanRequest) => planOf(table, table === TRADES ? lake : NOTHING) };
  const ports = {
    maintenance,
    store,
    clock,
    telemetry,
    random: { uuid: () => `job-${++ids}` },
    scheduler: new ManualScheduler(clock),
  };
  const inspections = new Inspections(telemetry);
  const jobs = new MaintenanceJobs(ports, MAINTENANCE_POLICY, turn, inspections);
  const options = { policy: MAINTENANCE_POLICY, intervalMs: 60_000, orphanIntervalMs: 3_600_000 };
  return { jobs, schedule: new Maintain(ports, options, turn, inspections), seen, telemetry, lake };
}

const COMPACT_TRADES = { tasks: ['compact'] as const, tables: [TRADES], dryRun: false };

async function ended(jobs: MaintenanceJobs, id: string): Promise<MaintenanceJob> {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const job = jobs.job(id)!;
    if (job.endedUs !== null) return job;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${id} did not end`);
}

/** A call that has come, and is held until the test answers it. */
function held() {
  const { promise: come, resolve: tellCome } = Promise.withResolvers<MaintenanceOptions>();
  const { promise, resolve, reject } = Promise.withResolvers<CompactionReport>();
  const compact: Compact = (options) => {
    tellCome(options);
    return promise;
  };
  return { compact, come, resolve, reject };
}

describe('a maintenance job', () => {
  it('runs every task on every table where none is named, and tells what each did', async () => {
    const { jobs, seen } = world();
    const { id } = jobs.begin({ tasks: [], tables: [], dryRun: false })!;
    const job = await ended(jobs, id);
    expect(job).toMatchObject({ state: 'done', stepsDone: job.stepsTotal, step: null, error: null });
    expect(seen.calls.filter((call) => call.startsWith('compact'))).toHaveLength(job.stepsTotal / 6);
    expect(job.reports.map(({ task }) => task)).toEqual(expect.arrayContaining(['compact', 'manifests', 'expire']));
  });

  it('compacts until there is nothing left, and tells of it in one report', async () => {
    let runs = 0;
    const { jobs } = world(async () => ({ ...COMPACTED, isDone: ++runs === 3 }));
    const { reports } = await ended(jobs, jobs.begin(COMPACT_TRADES)!.id);
    expect(reports).toEqual([
      {
        task: 'compact',
        ...COMPACTED,
        groups: 3,
        filesBefore: 24,
        filesAfter: 3,
        rows: 300,
        bytesBefore: 3_000,
        bytesAfter: 1_200,
      },
    ]);
  });

  it('tells how far it is', async () => {
    const call = held();
    const { jobs } = world(call.compact);
    const { id } = jobs.begin(COMPACT_TRADES)!;
    const progress = { doneFiles: 3, totalFiles: 8, doneBytes: 300, totalBytes: 1_000 };
    (await call.come).progress!(progress);
    expect(jobs.job(id)).toMatchObject({
      state: 'running',
      stepsDone: 0,
      stepsTotal: 1,
      step: { task: 'compact', table: TRADES, progress },
    });
    call.resolve(COMPACTED);
    expect(await ended(jobs, id)).toMatchObject({ state: 'done', stepsDone: 1 });
  });

  it('is refused while another has not ended', async () => {
    const call = held();
    const { jobs } = world(call.compact);
    const first = jobs.begin(COMPACT_TRADES)!;
    expect(jobs.begin(COMPACT_TRADES)).toBeNull();
    expect(jobs.current!.id).toBe(first.id);
    call.resolve(COMPACTED);
    await ended(jobs, first.id);
    expect(jobs.begin(COMPACT_TRADES)).not.toBeNull();
  });

  it('that fails says at which step, and the next can be begun', async () => {
    const failure = new PortError('unavailable', 'bucket lake at http://10.0.0.7 is away');
    let fails = true;
    const { jobs, telemetry } = world(async () => (fails ? Promise.reject(failure) : COMPACTED));
    const job = await ended(jobs, jobs.begin(COMPACT_TRADES)!.id);
    expect(job).toMatchObject({ state: 'failed', error: failure, step: { task: 'compact', table: TRADES } });
    expect(telemetry.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    fails = false;
    expect(await ended(jobs, jobs.begin(COMPACT_TRADES)!.id)).toMatchObject({ state: 'done' });
  });

  it('that is cancelled stops, and keeps what it has done', async () => {
    const call = held();
    const { jobs } = world(call.compact);
    const { id } = jobs.begin({ tasks: ['retention', 'compact'], tables: [TRADES], dryRun: false })!;
    const { signal } = await call.come;
    expect(jobs.cancel(id)).toMatchObject({ state: 'stopping' });
    expect(signal!.aborted).toBe(true);
    call.reject(new PortError('cancelled', 'cancelled'));
    expect(await ended(jobs, id)).toMatchObject({ state: 'cancelled', stepsDone: 1 });
    expect(jobs.cancel(id)).toMatchObject({ state: 'cancelled' });
  });

  it('never runs beside a task of the schedule', async () => {
    const call = held();
    const { jobs, schedule, seen } = world(call.compact);
    const stop = new AbortController();
    const running = schedule.run(stop.signal);
    await call.come;
    const { id } = jobs.begin({ tasks: [], tables: [], dryRun: false })!;
    expect(jobs.job(id)).toMatchObject({ state: 'waiting', startedUs: null });
    call.resolve(COMPACTED);
    expect(await ended(jobs, id)).toMatchObject({ state: 'done' });
    stop.abort();
    await running;
    expect(seen.atOnceMax).toBe(1);
  });

  it('that waits for the schedule is cancelled at once', async () => {
    const call = held();
    const { jobs, schedule, seen } = world(call.compact);
    const stop = new AbortController();
    const running = schedule.run(stop.signal);
    await call.come;
    const { id } = jobs.begin(COMPACT_TRADES)!;
    expect(jobs.cancel(id)).toMatchObject({ state: 'cancelled', startedUs: null });
    stop.abort();
    call.resolve(COMPACTED);
    await running;
    expect(seen.calls).toHaveLength(1);
  });

  it('ends with the process, which begins none from then on', async () => {
    const call = held();
    const { jobs } = world(call.compact);
    const stop = new AbortController();
    const serving = jobs.serve(stop.signal);
    const { id } = jobs.begin(COMPACT_TRADES)!;
    await call.come;
    stop.abort();
    call.reject(new PortError('cancelled', 'cancelled'));
    await serving;
    expect(jobs.job(id)).toMatchObject({ state: 'cancelled' });
    expect(jobs.begin(COMPACT_TRADES)).toBeNull();
  });

  it('is remembered, but only the last twenty are', async () => {
    const { jobs } = world();
    for (let count = 0; count < 21; count++) await ended(jobs, jobs.begin(COMPACT_TRADES)!.id);
    expect(jobs.jobs.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, at) => `job-${21 - at}`));
    expect(jobs.job('job-1')).toBeNull();
    expect(jobs.cancel('job-1')).toBeNull();
  });
});

const FOREIGN_DELETE: Alteration = {
  ...{ cause: 'other-engine', exchange: 'SIMX', fromUs: 0, toUs: 86_400_000_000, removedRows: 16, addedRows: 0 },
  ...{ snapshotId: 81n, committedUs: 3_000_000, operation: 'overwrite' },
};
const RETENTION: Alteration = { ...FOREIGN_DELETE, cause: 'retention', snapshotId: 80n, operation: 'delete' };
const CHECKED = 'market_data/trades/data/5f0c8f31-77a2-8c11-9d5e-3b1f0c2d4e5f.parquet';
const UNCHECKED = 'market_data/trades/data/00000-0-5f0c8f31-77a2-4c11-9d5e-3b1f0c2d4e5f.parquet';
const INSPECT_TRADES = { tasks: ['inspect'] as const, tables: [TRADES], dryRun: false };
const warnings = (telemetry: MemoryTelemetry) => telemetry.lines.filter(({ level }) => level === 'warn');

describe('an inspection', () => {
  it('tells what changed rows other than recording, and of files without a digest', async () => {
    const { jobs, lake } = world();
    lake.alterations.push(RETENTION, FOREIGN_DELETE);
    lake.keys.push(CHECKED, UNCHECKED);
    const { reports } = await ended(jobs, jobs.begin(INSPECT_TRADES)!.id);
    const times = { fromTime: '1970-01-01T00:00:00.000Z', toTime: '1970-01-02T00:00:00.000Z' };
    expect(reports).toMatchObject([
      {
        ...{ task: 'inspect', table: TRADES, dryRun: false, files: 2, uncheckedFiles: 1 },
        alterations: [
          { kind: 'removed', cause: 'retention', snapshotId: '80', ...times },
          { kind: 'unverifiable', cause: 'other-engine', snapshotId: '81', removedRows: 16, ...times },
        ],
      },
    ]);
  });

  it('warns of what another engine did when it is first seen, a line for each snapshot, and not of retention', async () => {
    const { jobs, lake, telemetry } = world();
    lake.alterations.push(RETENTION, FOREIGN_DELETE, { ...FOREIGN_DELETE, exchange: 'SIMY' });
    for (let run = 0; run < 2; run++) await ended(jobs, jobs.begin(INSPECT_TRADES)!.id);
    expect(warnings(telemetry).map(({ fields }) => fields)).toEqual([
      {
        table: TRADES,
        snapshotId: '81',
        alterations: [expect.stringContaining('16 rows of SIMX'), expect.stringContaining('16 rows of SIMY')],
      },
    ]);
    lake.alterations.push({ ...FOREIGN_DELETE, snapshotId: 83n, committedUs: 4_000_000 });
    await ended(jobs, jobs.begin(INSPECT_TRADES)!.id);
    expect(warnings(telemetry).map(({ fields }) => fields['snapshotId'])).toEqual(['81', '83']);
  });

  it('is a metric of each table that was inspected, and of nothing before', async () => {
    const { jobs, lake, telemetry } = world();
    expect(telemetry.readGauge('k2_table_alterations')).toEqual([]);
    lake.alterations.push(FOREIGN_DELETE);
    lake.keys.push(CHECKED, UNCHECKED);
    await ended(jobs, jobs.begin(INSPECT_TRADES)!.id);
    expect(telemetry.readGauge('k2_table_alterations')).toEqual([
      [0, { table: TRADES, kind: 'removed' }],
      [1, { table: TRADES, kind: 'unverifiable' }],
    ]);
    expect(telemetry.readGauge('k2_table_unchecked_files')).toEqual([[1, { table: TRADES }]]);
  });

  it('is part of each round of the schedule, and its status tells what was found', async () => {
    const { schedule, lake, telemetry } = world();
    lake.alterations.push(FOREIGN_DELETE);
    const stop = new AbortController();
    const running = schedule.run(stop.signal);
    while (schedule.status.rounds === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await running;
    const found = schedule.status.tables.map(({ table, alterations }) => [table, alterations.length]);
    expect(Object.fromEntries(found)).toMatchObject({ [TRADES]: 1, 'market_data.quotes': 0 });
    expect(warnings(telemetry)).toHaveLength(1);
  });
});
