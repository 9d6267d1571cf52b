import pg from 'pg';
import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import type { ScanPlan, TableSnapshot } from '@k2/ports';
import { answerValue } from '@k2/usecases';
import type { RoleProcess } from '../../world/role-process.ts';
import type { BenchWorld } from './bench-world.ts';
import { seriesName, type FilledLog, type Tally } from './filled-log.ts';

const TABLES = ['market_data.trades', 'market_data.quotes'] as const;
const SNAPSHOTS_MAX = 100_000;
const SQL_TIMEOUT_MS = 300_000;
const SQL_ROWS_MAX = 1_000_000;

/** Rows that became visible together, in whichever tables. */
export interface Commit {
  readonly committedUs: number;
  readonly rows: number;
}

/** An empty lake of its own, on the servers of a world: a log can be carried into one after the other. */
export class BenchLake {
  readonly env: Readonly<Record<string, string>>;
  private readonly bench: BenchWorld;
  private readonly db: pg.Client;

  static async create(bench: BenchWorld, name: string): Promise<BenchLake> {
    await bench.world.query(`CREATE DATABASE ${name}`);
    const url = new URL(bench.world.env['K2_POSTGRES_URL']);
    url.pathname = `/${name}`;
    const db = new pg.Client({ connectionString: String(url) });
    // It ends with the server that it is of.
    db.on('error', () => undefined);
    await db.connect();
    return new BenchLake(bench, db, { K2_POSTGRES_URL: String(url), K2_S3_PREFIX: name });
  }

  private constructor(bench: BenchWorld, db: pg.Client, env: Readonly<Record<string, string>>) {
    this.bench = bench;
    this.db = db;
    this.env = env;
  }

  launchSink(name: string, env: Readonly<Record<string, string>> = {}): RoleProcess {
    return this.bench.world.launch(name, 'sink', [], { ...this.env, ...env });
  }

  /** Log records committed so far, past K2 from its database; 0 before its tables are there. */
  async committedRecords(): Promise<number> {
    try {
      const { rows } = await this.db.query<{ sum: string | null }>('SELECT sum(next_offset) AS sum FROM k2_progress');
      return Number(rows[0].sum ?? 0);
    } catch (error) {
      if ((error as { code?: string }).code === UNDEFINED_TABLE) return 0;
      throw error;
    }
  }

  /** Oldest first. */
  async commits(): Promise<readonly Commit[]> {
    return this.reading(async ({ platform }) => {
      const rows = new Map<number, number>();
      for (const { committedUs, addedRows } of await snapshotsOf(platform.ports.store)) {
        rows.set(committedUs, (rows.get(committedUs) ?? 0) + addedRows);
      }
      const commits = [...rows].map(([committedUs, count]) => ({ committedUs, rows: count }));
      return commits.sort((a, b) => a.committedUs - b.committedUs);
    });
  }

  /** Throws where the tables do not hold every tick of the log exactly once: rows and sequence numbers, by series. */
  async assertExactlyOnce({ tallies }: FilledLog): Promise<void> {
    const found = new Map<string, Tally>();
    await this.reading(async ({ platform }) => {
      const { store, engine } = platform.ports;
      for (const recordType of ['trades', 'quotes'] as const) {
        const plan = await store.plan({ table: `market_data.${recordType}`, asOf: { kind: 'latest' } });
        const sql = `SELECT exchange, symbol, count(*), sum(source_sequence)::BIGINT FROM ${recordType} GROUP BY ALL`;
        for await (const [exchange, symbol, rows, sequences] of rowsOf(engine, sql, [plan])) {
          found.set(seriesName(recordType, String(exchange), String(symbol)), {
            rows: Number(rows),
            sequences: Number(sequences),
          });
        }
      }
    });
    const foreign = [...found.keys()].filter((name) => !tallies.has(name));
    const wrong = [...tallies].filter(
      ([name, { rows, sequences }]) =>
        found.get(name)?.rows !== rows || Math.abs(found.get(name)!.sequences - sequences) > 0,
    );
    if (foreign.length + wrong.length === 0) return;
    const [name, expected] = wrong[0] ?? [foreign[0], null];
    const example = `${name} is ${JSON.stringify(found.get(name) ?? null)}: expected ${JSON.stringify(expected)}`;
    throw new Error(`${foreign.length + wrong.length} series are not there exactly once, as ${example}`);
  }

  /**
   * Of every row committed at `fromUs` or later: how long after its venue time it became visible, ms, and how many rows
   * that were. The files that a snapshot has and the one before has not are the rows it first holds.
   */
  async freshness(fromUs: number): Promise<ReadonlyMap<number, number>> {
    const rowsByMs = new Map<number, number>();
    await this.reading(async ({ platform }) => {
      const { store, engine } = platform.ports;
      for (const table of TABLES) {
        const known = new Set<string>();
        for (const { snapshotId, committedUs } of (await store.snapshots(table, SNAPSHOTS_MAX)).toReversed()) {
          const plan = await store.plan({ table, asOf: { kind: 'snapshot', snapshotId } });
          const files = plan.files.filter(({ key }) => !known.has(key));
          for (const { key } of files) known.add(key);
          if (committedUs < fromUs || files.length === 0) continue;
          const name = table.slice(table.indexOf('.') + 1);
          const sql = `SELECT ceil((${committedUs} - epoch_us("timestamp")) / 1000)::BIGINT, count(*) FROM ${name} GROUP BY ALL`;
          for await (const [ms, rows] of rowsOf(engine, sql, [{ ...plan, files }])) {
            rowsByMs.set(Number(ms), (rowsByMs.get(Number(ms)) ?? 0) + Number(rows));
          }
        }
      }
    });
    return rowsByMs;
  }

  async close(): Promise<void> {
    await this.db.end();
  }

  private async reading<Result>(work: (opened: OpenPlatform) => Promise<Result>): Promise<Result> {
    const env = { ...this.bench.world.env, ...this.env };
    const flags = { feeds: 'none', role: 'api', logLevel: 'error', queryTimeoutMs: String(SQL_TIMEOUT_MS) };
    const opened = await openPlatform(readSettings(flags, env), { access: 'read' });
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  }
}

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = '42P01';

async function snapshotsOf(store: OpenPlatform['platform']['ports']['store']): Promise<readonly TableSnapshot[]> {
  return (await Promise.all(TABLES.map((table) => store.snapshots(table, SNAPSHOTS_MAX)))).flat();
}

async function* rowsOf(
  engine: OpenPlatform['platform']['ports']['engine'],
  sql: string,
  plans: readonly ScanPlan[],
): AsyncGenerator<readonly unknown[]> {
  const answer = await engine.ask({ kind: 'sql', sql, limit: SQL_ROWS_MAX }, plans, { timeoutMs: SQL_TIMEOUT_MS });
  for await (const batch of answer.batches) {
    for (let row = 0; row < batch.rowCount; row++) {
      yield answer.columns.map((column, at) => answerValue(column, batch, at, row));
    }
  }
}
