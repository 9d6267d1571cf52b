import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Services } from '@k2/testing/services';
import { k2Settings } from '../testbed/k2-settings.ts';
import type { Progress } from '../testbed/progress.ts';
import { startTestbed, type Testbed } from '../testbed/testbed.ts';
import type { TestbedServiceName } from '../testbed/service-names.ts';
import { RoleProcess } from './role-process.ts';

/** Where K2's processes are to find the servers; a scenario may put a proxy between. */
export type Endpoints = Pick<Services, 'kafka' | 'schemaRegistry' | 'postgres' | 's3' | 'redis'>;

export interface WorldOptions {
  readonly endpoints?: (of: Endpoints) => Promise<Endpoints>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of every topic of ticks. */
  readonly partitions?: number;
  readonly progress?: Progress;
}

const SERVICES: readonly TestbedServiceName[] = ['kafka', 'schema-registry', 'postgres', 'minio', 'redis'];
const STALLED_MS_MAX = 120_000;

/** Real servers of their own and the processes of K2 that work on them. */
export class World {
  readonly bed: Testbed;
  readonly env: Readonly<Record<string, string>>;
  /** Where K2's processes and the scenario keep files; deleted at the end. */
  readonly directory: string;
  private readonly db: pg.Pool;
  private readonly processes: RoleProcess[] = [];

  static async start({
    endpoints = async (of) => of,
    env = {},
    partitions,
    progress,
  }: WorldOptions = {}): Promise<World> {
    // Sessions shorter than a person would have them: what is tested is that they end, not that time passes.
    const settings = { kafka: { 'group.min.session.timeout.ms': '1000' } };
    const bed = await startTestbed(SERVICES, { settings, ...(progress !== undefined && { progress }) });
    const real = bed.endpoints as Endpoints;
    const directory = mkdtempSync(join(tmpdir(), 'k2-world-'));
    const topics = partitions === undefined ? {} : { K2_TOPICS_FILE: topicsFile(directory, partitions) };
    const session = { K2_KAFKA_SESSION_TIMEOUT_MS: '3000' };
    const given = { ...k2Settings(await endpoints(real)), ...session, K2_DATA: directory, ...topics, ...env };
    return new World(bed, given, directory, new pg.Pool({ connectionString: real.postgres.url, max: 2 }));
  }

  private constructor(bed: Testbed, env: Readonly<Record<string, string>>, directory: string, db: pg.Pool) {
    this.bed = bed;
    this.env = env;
    this.directory = directory;
    this.db = db;
    // A killed server ends idle connections; the next query opens another.
    db.on('error', () => undefined);
  }

  launch(
    name: string,
    role: string,
    more: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): RoleProcess {
    const feed = more.includes('--feed') ? [] : ['--feed', 'none'];
    const process = new RoleProcess(name, ['--role', role, ...feed, ...more], { ...this.env, ...env });
    this.processes.push(process);
    return process;
  }

  /** Log records committed so far, read past K2 from its database; null while that does not answer. */
  async committedOffsets(): Promise<number | null> {
    try {
      const { rows } = await this.db.query<{ sum: string | null }>('SELECT sum(next_offset) AS sum FROM k2_progress');
      return Number(rows[0].sum ?? 0);
    } catch {
      return null;
    }
  }

  /** How long after now the next commit lands, ms; Infinity where none does within the time. */
  async untilNextCommit(timeoutMs = 60_000): Promise<number> {
    const startMs = performance.now();
    let before = await this.committedOffsets();
    while (performance.now() - startMs < timeoutMs) {
      await sleep(25);
      const now = await this.committedOffsets();
      before ??= now;
      if (now !== null && before !== null && now > before) return performance.now() - startMs;
    }
    return Infinity;
  }

  /** Resolves when a process that has a sink says that everything in the log is committed. */
  async drained(of: RoleProcess): Promise<void> {
    let lag = Infinity;
    let untilMs = performance.now() + STALLED_MS_MAX;
    for (let quiet = 0; quiet < 3;) {
      if (performance.now() > untilMs)
        throw new Error(`${lag} log records are not committed, and no fewer since long:\n${of.printed.slice(-4_000)}`);
      const left = (await of.stats())?.log.lagRecords ?? Infinity;
      quiet = left === 0 ? quiet + 1 : 0;
      if (left < lag) [lag, untilMs] = [left, performance.now() + STALLED_MS_MAX];
      await sleep(100);
    }
  }

  async query<Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> {
    return (await this.db.query<Row>(sql)).rows;
  }

  async close(): Promise<void> {
    for (const process of this.processes) if (process.isAlive) await process.kill();
    await this.db.end();
    await this.bed.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function topicsFile(directory: string, partitions: number): string {
  const path = join(directory, 'topics.json');
  writeFileSync(path, JSON.stringify({ rules: [{ topics: 'market.*.*.*', partitions }] }));
  return path;
}
