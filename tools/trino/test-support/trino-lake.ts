import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { PlannedRows, QueryEngine, ScanPlan, TickStore } from '@k2/ports';
import { service } from '@k2/testing/services';
import pg from 'pg';
import { k2Settings } from '../../testbed/k2-settings.ts';
import { trinoCatalogSql } from '../../testbed/sql/iceberg-catalogs.ts';
import { trinoQuery } from '../../testbed/sql/trino-client.ts';

/** For specs: a lake of K2's on PostgreSQL and S3, composed as a server is, with Trino as its engine. */
export class TrinoLake {
  /** Of Trino's catalog. */
  readonly name: string;
  private readonly directory: string;
  private readonly opened: OpenPlatform;
  private readonly seen = new Set<string>();

  static async create(): Promise<TrinoLake> {
    const name = `k2_trino_${randomUUID().replaceAll('-', '')}`;
    const directory = await mkdtemp(join(tmpdir(), 'k2 trino '));
    const { url } = service('postgres');
    await onPostgres(url, `CREATE DATABASE ${name} TEMPLATE template0`);
    const databaseUrl = new URL(`/${name}`, url);
    databaseUrl.username = new URL(url).username;
    const s3 = service('s3');
    const opened = await openPlatform(
      readSettings(
        {
          data: directory,
          log: 'memory',
          engine: 'trino',
          feeds: 'none',
          role: 'sink,api',
          logLevel: 'error',
        },
        {
          ...k2Settings({ postgres: { url: databaseUrl.href }, s3, trino: service('trino') }),
          K2_S3_PREFIX: `spec/${name}`,
          K2_TRINO_CATALOG: name,
        },
      ),
      { access: 'write' },
    );
    const catalog = { name: 'k2', postgresUrl: databaseUrl.href, s3, warehouse: `s3://${s3.bucket}/spec/${name}` };
    await trinoQuery(service('trino').url, trinoCatalogSql(catalog, name));
    return new TrinoLake(name, directory, opened);
  }

  private constructor(name: string, directory: string, opened: OpenPlatform) {
    this.name = name;
    this.directory = directory;
    this.opened = opened;
  }

  get store(): TickStore {
    return this.opened.platform.ports.store;
  }

  get engine(): QueryEngine {
    return this.opened.platform.ports.engine;
  }

  /** Commits the rows, and plans the files of this commit alone. */
  async load(rows: PlannedRows): Promise<readonly ScanPlan[]> {
    const { store } = this;
    // The store takes the memory of what it stages, and specs load the same rows again.
    await store.commit(await store.stage(structuredClone(rows)), { partitions: [], state: new Map() });
    return (await this.plans()).map((plan) => {
      const files = plan.files.filter(({ key }) => !this.seen.has(key));
      for (const { key } of files) this.seen.add(key);
      return { ...plan, files };
    });
  }

  /** Of everything, as it is now. */
  plans(): Promise<readonly ScanPlan[]> {
    const { store } = this;
    return Promise.all(RECORD_SCHEMAS.map(({ table }) => store.plan({ table, asOf: { kind: 'latest' } })));
  }

  async close(): Promise<void> {
    const { objects } = this.opened;
    await trinoQuery(service('trino').url, `DROP CATALOG ${this.name}`);
    const deletions: Promise<void>[] = [];
    for await (const { key } of objects!.list('')) deletions.push(objects!.delete(key));
    await Promise.all(deletions);
    await this.opened.close();
    await onPostgres(service('postgres').url, `DROP DATABASE ${this.name} WITH (FORCE)`);
    await rm(this.directory, { recursive: true });
  }
}

async function onPostgres(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
