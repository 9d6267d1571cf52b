import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached } from '../../../testbed/cache/cached.ts';
import { mavenJars } from '../../../testbed/cache/maven.ts';
import { freePorts } from '../../../testbed/ports.ts';
import { findJava, type Java } from '../../../testbed/process/java.ts';
import { versions } from '../../../testbed/versions.ts';
import { progress } from '../bench-world.ts';

/** What the connector reads, and where it writes. */
export interface PeerSink {
  readonly brokers: string;
  readonly topic: string;
  readonly controlTopic: string;
  /** Namespace of the tables, which exist: a record goes to the one that its `record_type` names. */
  readonly namespace: string;
  readonly recordTypes: readonly string[];
  readonly postgresUrl: string;
  /** A local directory, as a URI. */
  readonly warehouse: string;
  readonly tasks: number;
  readonly commitIntervalMs: number;
}

export const CATALOG = 'peer';
const STOP_GRACE_MS = 20_000;
const SHOWN_CHARS = 4_000;

/** Kafka Connect, Iceberg's sink and what they need. Asked for before anything is measured. */
export async function installPeer(): Promise<{ readonly java: Java; readonly jars: string }> {
  const java = await findJava(progress, 17);
  const { icebergConnect: iceberg, kafkaConnect: kafka, hadoop } = versions;
  const wanted = [
    ...['connect-runtime', 'connect-json'].map((name) => `org.apache.kafka:${name}:${kafka}`),
    // The last one nobody needs for Parquet, but tasks die without it.
    ...['kafka-connect', 'kafka-connect-events', 'core', 'data', 'parquet', 'orc'].map(
      (name) => `org.apache.iceberg:iceberg-${name}:${iceberg}`,
    ),
    ...['hadoop-client-api', 'hadoop-client-runtime'].map((name) => `org.apache.hadoop:${name}:${hadoop}`),
    `org.postgresql:postgresql:${versions.postgresJdbc}`,
    `org.slf4j:slf4j-simple:${versions.slf4jSimple}`,
  ];
  const title = `Iceberg ${iceberg} for Kafka Connect`;
  const jars = await cached(
    `iceberg-connect-${iceberg}`,
    (directory) => mavenJars({ title, jars: wanted, megabytes: 200, java }, directory, progress),
    progress,
  );
  return { java, jars };
}

/** One standalone worker with the sink, as its own documentation sets it up. */
export class ConnectWorker {
  private readonly child: ChildProcess;
  private readonly logFile: string;
  private readonly exited: Promise<void>;

  static async start(
    { java, jars }: Awaited<ReturnType<typeof installPeer>>,
    sink: PeerSink,
    directory: string,
  ): Promise<ConnectWorker> {
    mkdirSync(directory, { recursive: true });
    const [port] = await freePorts(1, []);
    const files = { worker: join(directory, 'worker.properties'), sink: join(directory, 'sink.properties') };
    writeFileSync(files.worker, properties(workerProperties(sink, port, directory)));
    writeFileSync(files.sink, properties(sinkProperties(sink)));
    const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
    const args = ['-Xmx3g', '-cp', join(jars, '*'), main, files.worker, files.sink];
    return new ConnectWorker(java.java, args, join(directory, 'connect.log'));
  }

  private constructor(file: string, args: readonly string[], logFile: string) {
    this.logFile = logFile;
    const log = openSync(logFile, 'a');
    this.child = spawn(file, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    const stopWithUs = () => this.child.kill('SIGKILL');
    process.once('exit', stopWithUs);
    this.exited = new Promise((resolve) =>
      this.child.once('close', () => {
        process.off('exit', stopWithUs);
        resolve();
      }),
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Throws with the end of its log where it, or a task of it, has ended. */
  assertRuns(): void {
    const log = readFileSync(this.logFile, 'utf8');
    const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
    if (hasEnded || log.includes('Task is being killed and will not recover')) {
      throw new Error(`Kafka Connect stopped before it had committed everything:\n${log.slice(-SHOWN_CHARS)}`);
    }
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8').slice(-SHOWN_CHARS);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    const late = sleep(STOP_GRACE_MS, 'late' as const, { ref: false });
    if ((await Promise.race([this.exited, late])) === 'late') this.child.kill('SIGKILL');
    await this.exited;
  }
}

function workerProperties({ brokers }: PeerSink, port: number, directory: string): Record<string, string> {
  return {
    'bootstrap.servers': brokers,
    listeners: `http://127.0.0.1:${port}`,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'offset.storage.file.filename': join(directory, 'offsets'),
    'plugin.discovery': 'only_scan',
    // Its defaults are for small batches: with these it is faster.
    'consumer.max.poll.records': '5000',
    'consumer.fetch.max.bytes': String(50 * 2 ** 20),
    'consumer.max.partition.fetch.bytes': String(8 * 2 ** 20),
    'consumer.auto.offset.reset': 'earliest',
  };
}

function sinkProperties(sink: PeerSink): Record<string, string> {
  const url = new URL(sink.postgresUrl);
  const tables = sink.recordTypes.map((type) => `${sink.namespace}.${type}`);
  return {
    name: 'peer',
    'connector.class': 'org.apache.iceberg.connect.IcebergSinkConnector',
    'tasks.max': String(sink.tasks),
    topics: sink.topic,
    'iceberg.tables': tables.join(','),
    'iceberg.tables.route-field': 'record_type',
    ...Object.fromEntries(sink.recordTypes.map((type, i) => [`iceberg.table.${tables[i]}.route-regex`, type])),
    'iceberg.control.topic': sink.controlTopic,
    'iceberg.control.commit.interval-ms': String(sink.commitIntervalMs),
    'iceberg.control.commit.timeout-ms': '30000',
    'iceberg.catalog': CATALOG,
    'iceberg.catalog.catalog-impl': 'org.apache.iceberg.jdbc.JdbcCatalog',
    'iceberg.catalog.uri': `jdbc:postgresql://${url.host}${url.pathname}`,
    'iceberg.catalog.jdbc.user': url.username,
    // Trust needs none, and the driver wants one.
    'iceberg.catalog.jdbc.password': 'none',
    'iceberg.catalog.warehouse': sink.warehouse,
    'iceberg.catalog.io-impl': 'org.apache.iceberg.hadoop.HadoopFileIO',
  };
}

function properties(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
