import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../figure.ts';
import { progress, withWorld, type BenchWorld } from './bench-world.ts';
import { CpuMeter, limitLines } from './cpu.ts';
import { fillLog, type FilledLog } from './filled-log.ts';
import { BenchLake } from './lake.ts';
import { quantileMs } from './prometheus.ts';
import { tickCount } from './options.ts';
import { servers } from './watched-servers.ts';

/** A log that is full when the sinks start, carried into the lake: by one sink, then by two into another lake. */
const TICKS = { tick: 5_000_000, block: 15_000_000 } as const;
const DRAIN_TIMEOUT_MS = 600_000;
const POLL_MS = 100;

for (const framing of ['tick', 'block'] as const) {
  await withWorld(framing, async (bench) => {
    const log = await fillLog(bench, tickCount(TICKS[framing]));
    await drain(bench, log, 1);
    await drain(bench, log, 2);
  });
}

async function drain(bench: BenchWorld, log: FilledLog, sinkCount: 1 | 2): Promise<void> {
  const { framing } = bench;
  const name = `${framing}_${sinkCount === 1 ? 'one_sink' : 'two_sinks'}`;
  const lake = await BenchLake.create(bench, name);
  const startUs = Date.now() * 1_000;
  const sinks = Array.from({ length: sinkCount }, (_, index) => lake.launchSink(`sink ${index + 1}`));
  const meter = new CpuMeter([
    ...sinks.map(({ name: sink, pid }) => ({ name: sink, pid, withThreads: true })),
    ...(await servers(bench.world)),
  ]);
  const untilMs = performance.now() + DRAIN_TIMEOUT_MS;
  for (let committed = 0; committed < log.records;) {
    await sleep(POLL_MS);
    committed = await lake.committedRecords();
    const dead = sinks.find(({ isAlive }) => !isAlive);
    if (dead !== undefined) throw new Error(`${dead.name} ended:\n${dead.printed.slice(-4_000)}`);
    if (performance.now() > untilMs) throw new Error(`not committed in time:\n${sinks[0].printed.slice(-4_000)}`);
    progress.update(`${name}: ${Math.floor((committed / log.records) * 100)} % committed`);
  }
  const taken = meter.take();
  const metrics = await Promise.all(sinks.map((sink) => sink.metrics()));
  for (const sink of sinks) await sink.stop();
  await lake.assertExactlyOnce(log);

  const commits = await lake.commits();
  await lake.close();
  const [first, last] = [commits[0], commits[commits.length - 1]];
  if (commits.length < 3) throw new Error(`${name}: only ${commits.length} commits: the log was too short`);
  const rows = commits.reduce((sum, commit) => sum + commit.rows, 0);
  const note = `${log.description}; partitioned, sorted`;
  report({
    name: `${name}_committed_rows_per_s`,
    value: (rows - first.rows) / ((last.committedUs - first.committedUs) / 1e6),
    unit: 'rows/s',
    count: rows - first.rows,
    note: `between the first and the last of ${commits.length} commits; ${note}`,
  });
  report({
    name: `${name}_wall_rows_per_s`,
    value: rows / ((last.committedUs - startUs) / 1e6),
    unit: 'rows/s',
    count: rows,
    note: 'from the start of the processes to the last commit',
  });
  const count = commits.length;
  const commitNote = 'from staged to visible, while the log is drained';
  report({ name: `${name}_commit_p50_ms`, value: quantileMs(metrics, 0.5), unit: 'ms', count, note: commitNote });
  report({ name: `${name}_commit_p99_ms`, value: quantileMs(metrics, 0.99), unit: 'ms', count, note: commitNote });
  const sinkSeconds = taken.uses.slice(0, sinkCount).reduce((sum, { seconds }) => sum + seconds, 0);
  report({
    name: `${name}_cpu_s_per_m_rows`,
    value: sinkSeconds / (rows / 1e6),
    unit: 'CPU s/M rows',
    count: rows,
    note: 'of the sinks, all threads, their start included',
  });
  for (const line of limitLines(taken, rows)) console.log(`    ${line}`);
}
