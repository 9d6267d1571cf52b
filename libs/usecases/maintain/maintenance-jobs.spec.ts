import { ManualClock, ManualScheduler, MemoryTelemetry } from '@k2/adapter-memory';
import type { TableName } from '@k2/domain/market';
import { PortError, type CompactionReport, type MaintenanceOptions, type TableMaintenance } from '@k2/ports';
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
  const ports = {
    maintenance,
    clock,
    telemetry,
    random: { uuid: () => `job-${++ids}` },
    scheduler: new ManualScheduler(clock),
  };
  const jobs = new MaintenanceJobs(ports, MAINTENANCE_POLICY, turn);
  const options = { policy: MAINTENANCE_POLICY, intervalMs: 60_000, orphanIntervalMs: 3_600_000 };
  return { jobs, schedule: new Maintain(ports, options, turn), seen, telemetry };
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
    expect(seen.calls.filter((call) => call.startsWith('compact'))).toHaveLength(job.stepsTotal / 5);
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
