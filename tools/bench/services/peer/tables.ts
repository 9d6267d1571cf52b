import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { runTool } from '../../../testbed/process/run-tool.ts';
import { preparedPython } from '../../../judges/pyiceberg/prepared-python.ts';
import { CATALOG, type PeerSink } from './connect-worker.ts';

/** One commit of the connector: rows of all tables that it made visible together. */
export interface PeerCommit {
  readonly committedMs: number;
  readonly rows: number;
}

/** The tables that the connector writes to, without partitions and sort order; made by pyiceberg, which it is made for. */
export class PeerTables {
  private readonly db: pg.Pool;
  private readonly namespace: string;

  static async create(db: pg.Pool, { namespace, postgresUrl, warehouse }: PeerSink): Promise<PeerTables> {
    const uri = postgresUrl.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:');
    const input = JSON.stringify({ catalog: CATALOG, properties: { uri, warehouse }, namespace });
    await runTool("the peer's tables", preparedPython(), [join(import.meta.dirname, 'make_tables.py')], { input });
    return new PeerTables(db, namespace);
  }

  private constructor(db: pg.Pool, namespace: string) {
    this.db = db;
    this.namespace = namespace;
  }

  /** Oldest first. */
  async commits(): Promise<readonly PeerCommit[]> {
    const { rows: tables } = await this.db.query<{ metadata_location: string }>(
      'SELECT metadata_location FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2',
      [CATALOG, this.namespace],
    );
    const commits = new Map<string, PeerCommit>();
    for (const { metadata_location: location } of tables) {
      const path = location.startsWith('file:') ? fileURLToPath(location.replace(/^file:\/*/, 'file:///')) : location;
      const { snapshots = [] } = JSON.parse(readFileSync(path, 'utf8')) as { snapshots?: readonly Snapshot[] };
      for (const { 'timestamp-ms': committedMs, summary } of snapshots) {
        const id = summary['kafka.connect.commit-id'];
        const known = commits.get(id) ?? { committedMs: 0, rows: 0 };
        commits.set(id, {
          committedMs: Math.max(known.committedMs, committedMs),
          rows: known.rows + Number(summary['added-records']),
        });
      }
    }
    return [...commits.values()].sort((a, b) => a.committedMs - b.committedMs);
  }
}

interface Snapshot {
  readonly 'timestamp-ms': number;
  readonly summary: Readonly<Record<string, string>>;
}
