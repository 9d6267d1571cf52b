import { openPlatform, readSettings } from '@k2/composition';
import { tickTopic, topicSpecOf } from '@k2/domain/wire';
import type { LogPosition, TickLog } from '@k2/ports';
import type { TickBatch } from '@k2/domain/market';
import { report } from '../figure.ts';
import { rowsOf, tape } from '../tape.ts';
import { progress, withWorld, type BenchWorld } from './bench-world.ts';
import { tickCount } from './options.ts';

/** The log alone: appends that the broker has acknowledged (acks=all), and reads of what was appended. */
const TICKS = { tick: 2_000_000, block: 6_000_000 } as const;
/** As ingest has them. */
const APPENDS_IN_FLIGHT = 4;
const READ_BYTES = 4 * 2 ** 20;
const READ_WAIT_MS = 10_000;

for (const framing of ['tick', 'block'] as const) {
  await withWorld(framing, async (bench) => {
    const batches = await tape(tickCount(TICKS[framing]), { batchMs: 10_000 });
    const settings = readSettings({ feeds: 'none', role: 'ingest', logLevel: 'error' }, bench.world.env);
    const opened = await openPlatform(settings, { access: 'write', command: 'npm run bench:services' });
    try {
      await measure(bench, opened.platform.ports.log, batches);
    } finally {
      await opened.close();
    }
  });
}

async function measure({ framing, rules }: BenchWorld, log: TickLog, batches: readonly TickBatch[]): Promise<void> {
  const rows = rowsOf(batches);
  const topics = [...new Set(batches.map(topicOf))];
  const specs = await Promise.all(topics.map((name) => log.declareTopic(topicSpecOf(name, rules))));
  const partitions = specs.reduce((sum, { partitions: count }) => sum + count, 0);
  progress.update(`${framing}: appending ${rows / 1e6} M ticks`);
  const producing = await timed(() => append(log, batches));
  progress.update(`${framing}: reading ${rows / 1e6} M ticks`);
  const consuming = await timed(() => read(log, topics, rows));
  const note = `${partitions} partitions, zstd, appends of up to 8,192 ticks`;
  const results = [
    ['produce', producing, `acknowledged by all replicas of one broker; ${note}`],
    ['consume', consuming, `decoded into columns; ${note}`],
  ] as const;
  for (const [what, { seconds, cpuSeconds }, text] of results) {
    const name = `${what}_${framing}`;
    report({ name: `${name}_ticks_per_s`, value: rows / seconds, unit: 'ticks/s', count: rows, note: text });
    report({
      name: `${name}_cpu_s_per_m_ticks`,
      value: cpuSeconds / (rows / 1e6),
      unit: 'CPU s/M rows',
      count: rows,
      note: 'of the client, all threads',
    });
  }
}

async function append(log: TickLog, batches: readonly TickBatch[]): Promise<void> {
  const inFlight = new Set<Promise<unknown>>();
  for (const batch of batches) {
    const carried: Promise<unknown> = log
      .append(topicOf(batch), { kind: 'ticks', batch })
      .then(() => inFlight.delete(carried));
    inFlight.add(carried);
    if (inFlight.size >= APPENDS_IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

/** As the sink reads: where each read ended the next one begins. */
async function read(log: TickLog, topics: readonly string[], rows: number): Promise<void> {
  const positions = new Map<string, LogPosition>();
  for (const { topic, partition } of await log.offsets(topics)) {
    positions.set(`${topic}/${partition}`, { topic, partition, nextOffset: 0 });
  }
  for (let found = 0; found < rows;) {
    const records = await log.read({ positions: [...positions.values()], bytesMax: READ_BYTES, waitMs: READ_WAIT_MS });
    if (records.length === 0) throw new Error(`the log handed over ${found} of ${rows} ticks, and then no more`);
    for (const { topicPartition, nextOffset, payload } of records) {
      if (payload.kind === 'ticks') found += payload.batch.rowCount;
      positions.set(`${topicPartition.topic}/${topicPartition.partition}`, { ...topicPartition, nextOffset });
    }
  }
}

function topicOf({ series, recordType }: TickBatch): string {
  return tickTopic(series[0].assetClass, recordType, series[0].exchange);
}

async function timed(work: () => Promise<void>): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startMs) / 1_000, cpuSeconds: (user + system) / 1e6 };
}
