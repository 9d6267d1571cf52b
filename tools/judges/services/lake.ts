import { mkdirSync, rmSync } from 'node:fs';
import { IcebergTableMaintenance } from '@k2/adapter-iceberg';
import { PostgresTableCatalog } from '@k2/adapter-postgres';
import { openPlatform, readSettings, type OpenPlatform, type Platform } from '@k2/composition';
import type { TableName } from '@k2/domain/market';
import type { CompactionReport, SchemaChange, TableMaintenance, TableSnapshot, TickStore } from '@k2/ports';
import { k2Settings } from '../../testbed/k2-settings.ts';
import type { IcebergCatalog } from '../../testbed/sql/iceberg-catalogs.ts';
import type { Filter } from './facts.ts';
import { Tally } from './tally.ts';
import { feedOf, type TapeSlice } from './tape.ts';

/** A lake on PostgreSQL and S3 that K2 writes, from feed to commit, with the account of what went in. */
export class JudgedLake {
  readonly tally: Tally;
  private readonly catalog: IcebergCatalog;
  private readonly data: string;
  private running!: Running;

  /** `data`: a directory for K2's log and scratch files; `close` deletes it. */
  static async open(catalog: IcebergCatalog, data: string, filter: Filter): Promise<JudgedLake> {
    mkdirSync(data, { recursive: true });
    const lake = new JudgedLake(catalog, data, filter);
    lake.running = await run(catalog, data);
    return lake;
  }

  private constructor(catalog: IcebergCatalog, data: string, filter: Filter) {
    this.catalog = catalog;
    this.data = data;
    this.tally = new Tally(filter);
  }

  /** As after an upgrade: what K2 goes on from is its log, the catalog and the tables. */
  async restart(): Promise<void> {
    await this.running.close();
    this.running = await run(this.catalog, this.data);
  }

  get platform(): Platform {
    return this.running.opened.platform;
  }

  get store(): TickStore {
    return this.platform.ports.store;
  }

  /** Returns when everything of the slice is committed. */
  async record(slice: TapeSlice): Promise<void> {
    const { committed } = await this.platform.load(feedOf(slice), new AbortController().signal);
    const { failed } = this.platform;
    if (!committed || failed !== null) throw new Error('K2 did not commit what it was sent', { cause: failed });
    for (const { batch, row } of slice.ticks) this.tally.add(batch, row);
  }

  evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void> {
    return this.store.evolve(table, changes);
  }

  get maintenance(): TableMaintenance {
    return this.running.maintenance;
  }

  async newest(table: TableName): Promise<TableSnapshot> {
    return (await this.store.snapshots(table, 1))[0];
  }

  compact(table: TableName): Promise<CompactionReport> {
    const closedBeforeUs = this.platform.ports.clock.nowUs();
    return this.maintenance.compact(table, {
      dryRun: false,
      fileBytesTarget: 4 * 2 ** 20,
      zstdLevel: 3,
      filesMin: 2,
      closedBeforeUs,
      bytesMax: 2 ** 30,
    });
  }

  /** Commits that were prepared again because another engine's came first. */
  async retriedCommits(): Promise<number> {
    const lines = (await this.running.opened.metrics())
      .split('\n')
      .filter((line) => line.startsWith('k2_commit_retries'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async close(): Promise<void> {
    await this.running.close();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** One life of K2's process. */
interface Running {
  readonly opened: OpenPlatform;
  readonly maintenance: TableMaintenance;
  close(): Promise<void>;
}

async function run({ postgresUrl, s3, warehouse }: IcebergCatalog, data: string): Promise<Running> {
  const { bucket, prefix } = /^s3:\/\/(?<bucket>[^/]+)\/(?<prefix>.+)$/.exec(warehouse)!.groups!;
  const settings = readSettings(
    // What is judged begins behind the log.
    { data, log: 'sqlite', feeds: 'none', role: 'ingest,sink', logLevel: 'error' },
    { ...k2Settings({ postgres: { url: postgresUrl }, s3: { ...s3, bucket } }), K2_S3_PREFIX: prefix },
  );
  const opened = await openPlatform(settings, { access: 'write', command: 'npm run test:judges' });
  opened.platform.start();
  const { clock, random, scheduler, telemetry } = opened.platform.ports;
  const ports = { clock, random, scheduler, telemetry, objects: opened.objects! };
  const catalog = await PostgresTableCatalog.open({ ...ports, url: postgresUrl });
  // Nobody reads while snapshots expire: none has to stay for those who do.
  const maintenance = new IcebergTableMaintenance({ ...ports, catalog }, { tempDirectory: data, readerGraceMs: 0 });
  return {
    opened,
    maintenance,
    async close() {
      await maintenance.close();
      await catalog.close();
      await opened.close();
    },
  };
}
