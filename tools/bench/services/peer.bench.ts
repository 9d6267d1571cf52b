import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { byHand } from '../../world/kafka-by-hand.ts';
import type { World } from '../../world/world.ts';
import { report } from '../figure.ts';
import { preparedPython } from '../../judges/pyiceberg/prepared-python.ts';
import { progress, withWorld } from './bench-world.ts';
import { CpuMeter, limitLines } from './cpu.ts';
import { tapeOf } from './filled-log.ts';
import { tickCount } from './options.ts';
import { ConnectWorker, installPeer, type PeerSink } from './peer/connect-worker.ts';
import { produceJson } from './peer/json-ticks.ts';
import { PeerTables, type PeerCommit } from './peer/tables.ts';
import { servers } from './watched-servers.ts';

/**
 * Apache Iceberg's Kafka Connect sink on the ticks that K2's sinks get: JSON, tables of their own for trades and quotes
 * without partitions and sort order, files on the local disk, two tasks on four partitions.
 */
const TICKS = 5_000_000;
const PARTITIONS = 4;
const TASKS = 2;
const COMMIT_INTERVAL_MS = 5_000;
const DRAIN_TIMEOUT_MS = 600_000;

// What is missing is told before the servers have started in vain.
const installed = await installPeer();
preparedPython();
await withWorld('tick', async ({ world }) => {
  const ticks = tickCount(TICKS);
  const sink: PeerSink = {
    brokers: world.env['K2_KAFKA_BROKERS'],
    topic: 'peer-ticks',
    controlTopic: 'peer-control',
    namespace: 'peer',
    recordTypes: ['trades', 'quotes'],
    postgresUrl: world.env['K2_POSTGRES_URL'],
    warehouse: pathToFileURL(join(world.directory, 'peer-warehouse')).href,
    tasks: TASKS,
    commitIntervalMs: COMMIT_INTERVAL_MS,
  };
  await fill(world, sink, ticks);
  const db = new pg.Pool({ connectionString: sink.postgresUrl, max: 1 });
  try {
    await drain(world, sink, await PeerTables.create(db, sink), ticks);
  } finally {
    await db.end();
  }
});

async function fill(world: World, { brokers, topic, controlTopic }: PeerSink, ticks: number): Promise<void> {
  await byHand(world, async ({ admin }) => {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic, numPartitions: PARTITIONS, replicationFactor: 1 },
        { topic: controlTopic, numPartitions: 1, replicationFactor: 1 },
      ],
    });
  });
  const produced = await produceJson(brokers.split(','), { name: topic, partitions: PARTITIONS }, tapeOf(ticks));
  if (produced !== ticks) throw new Error(`${produced} ticks were produced: expected ${ticks}`);
}

async function drain(world: World, sink: PeerSink, tables: PeerTables, ticks: number): Promise<void> {
  const worker = await ConnectWorker.start(installed, sink, join(world.directory, 'peer'));
  try {
    const meter = new CpuMeter([{ name: 'connect worker', pid: worker.pid }, ...(await servers(world))]);
    const untilMs = performance.now() + DRAIN_TIMEOUT_MS;
    let commits: readonly PeerCommit[] = [];
    for (let committed = 0; committed < ticks;) {
      await sleep(500);
      worker.assertRuns();
      commits = await tables.commits();
      committed = commits.reduce((sum, { rows }) => sum + rows, 0);
      if (performance.now() > untilMs) throw new Error(`not committed in time:\n${worker.log}`);
      progress.update(`peer: ${Math.floor((committed / ticks) * 100)} % committed`);
    }
    tell(commits, ticks);
    for (const line of limitLines(meter.take(), ticks)) console.log(`    ${line}`);
  } finally {
    await worker.stop();
  }
}

function tell(commits: readonly PeerCommit[], ticks: number): void {
  // The last one waits for its interval to end with nothing left to do, which would be held against it.
  const full = commits.slice(0, -1);
  if (full.length < 3) throw new Error(`only ${commits.length} commits: the log was too short`);
  const total = commits.reduce((sum, { rows }) => sum + rows, 0);
  if (total !== ticks) throw new Error(`the tables have ${total} rows: expected ${ticks}`);
  const rows = full.slice(1).reduce((sum, commit) => sum + commit.rows, 0);
  report({
    name: 'peer_committed_rows_per_s',
    value: rows / ((full[full.length - 1].committedMs - full[0].committedMs) / 1_000),
    unit: 'rows/s',
    count: rows,
    note: `Iceberg's Kafka Connect sink, between the first and the last but one of ${commits.length} commits; JSON, ${PARTITIONS} partitions, ${TASKS} tasks, not partitioned, not sorted, local files, a commit every ${COMMIT_INTERVAL_MS / 1_000} s`,
  });
}
