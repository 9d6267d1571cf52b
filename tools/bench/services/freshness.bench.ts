import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../figure.ts';
import { progress, withWorld, type BenchWorld } from './bench-world.ts';
import { CpuMeter, limitLines } from './cpu.ts';
import { BenchLake } from './lake.ts';
import { quantileMs } from './prometheus.ts';
import { servers } from './watched-servers.ts';

/** A live feed at a known rate: how old ticks are when a query sees them, with the commit interval that K2 has and a short one. */
const RATE = 20_000;
const WARM_UP_MS = 10_000;
const MEASURED_MS = 30_000;
const INTERVALS_MS = [2_000, 500] as const;

await withWorld('block', async (bench) => {
  const ingest = bench.world.launch('ingest', 'ingest', ['--feed', `simulator:rate=${RATE}`]);
  await ingest.ready();
  for (const intervalMs of INTERVALS_MS) await measure(bench, intervalMs);
  await ingest.stop();
});

async function measure(bench: BenchWorld, intervalMs: number): Promise<void> {
  const name = `live_flush_${intervalMs}`;
  const lake = await BenchLake.create(bench, name);
  const sink = lake.launchSink('sink', { K2_FLUSH_INTERVAL_MS: String(intervalMs) });
  await sink.ready();
  progress.update(`${name}: warming up`);
  await untilCaughtUp(lake, intervalMs);
  await sleep(WARM_UP_MS);
  const meter = new CpuMeter([{ name: 'sink', pid: sink.pid, withThreads: true }, ...(await servers(bench.world))]);
  const fromUs = Date.now() * 1_000;
  progress.update(`${name}: measuring`);
  await sleep(MEASURED_MS);
  const taken = meter.take();
  const metrics = [await sink.metrics()];
  await sink.stop();

  const rowsByMs = await lake.freshness(fromUs);
  const rows = [...rowsByMs.values()].reduce((sum, count) => sum + count, 0);
  const commits = (await lake.commits()).length;
  await lake.close();
  const note = `${RATE / 1e3} k ticks/s, commits every ${intervalMs} ms; venue time to the commit of the snapshot that first holds the row`;
  for (const [rank, label] of [
    [0.5, 'p50'],
    [0.99, 'p99'],
  ] as const) {
    report({
      name: `${name}_freshness_${label}_ms`,
      value: rankOf(rowsByMs, rank * rows),
      unit: 'ms',
      count: rows,
      note,
    });
  }
  const commitNote = `from staged to visible, ${RATE / 1e3} k ticks/s; by buckets`;
  report({
    name: `${name}_commit_p50_ms`,
    value: quantileMs(metrics, 0.5),
    unit: 'ms',
    count: commits,
    note: commitNote,
  });
  report({
    name: `${name}_commit_p99_ms`,
    value: quantileMs(metrics, 0.99),
    unit: 'ms',
    count: commits,
    note: commitNote,
  });
  for (const line of limitLines(taken, rows)) console.log(`    ${line}`);
}

/** What had gathered before the sink came is not of a live feed. */
async function untilCaughtUp(lake: BenchLake, intervalMs: number): Promise<void> {
  const untilMs = performance.now() + 120_000;
  for (;;) {
    const newest = (await lake.commits()).at(-1);
    const ageMs = newest === undefined ? Infinity : Date.now() - newest.committedUs / 1_000;
    // The commit that takes the whole backlog in is large.
    if (newest !== undefined && ageMs < 4 * intervalMs && newest.rows < (RATE / 1_000) * intervalMs * 3) return;
    if (performance.now() > untilMs) throw new Error('the sink did not catch up with the feed in two minutes');
    await sleep(500);
  }
}

/** The least ms within which so many rows were visible. */
function rankOf(rowsByMs: ReadonlyMap<number, number>, rows: number): number {
  let seen = 0;
  for (const [ms, count] of [...rowsByMs].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= rows) return ms;
  }
  throw new Error('no row was committed while it was measured');
}
