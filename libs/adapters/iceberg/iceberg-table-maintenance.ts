import type { SnapshotRetention } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import {
  isPortError,
  type CompactionOptions,
  type CompactionReport,
  type ExpiryReport,
  type MaintenanceOptions,
  type ManifestReport,
  type OrphanReport,
  type RetentionReport,
  type TableMaintenance,
  type TableMaintenanceErrorKind,
} from '@k2/ports';
import { CatalogChanges } from './commit/catalog-changes.ts';
import { Landing } from './commit/landing.ts';
import { ICEBERG_DEFAULTS, type IcebergTickStoreOptions, type IcebergTickStorePorts } from './iceberg-tick-store.ts';
import { LakeTables } from './lake-tables.ts';
import { Compaction, type CompactionParts } from './maintain/compaction.ts';
import { MaintenanceCommits } from './maintain/maintenance-commits.ts';
import { NamedFiles } from './maintain/named-files.ts';
import { rewriteManifests } from './maintain/manifest-rewrite.ts';
import { removeOrphans } from './maintain/orphan-removal.ts';
import { dropPartitions } from './maintain/partition-drop.ts';
import { expireSnapshots } from './maintain/snapshot-expiry.ts';
import { DigestThread } from './objects/digest-thread.ts';
import { inStoreTerms } from './store-error.ts';
import { TableFiles } from './table-files.ts';

export interface IcebergTableMaintenanceOptions extends Pick<
  IcebergTickStoreOptions,
  | 'tempDirectory'
  | 'rowGroupRows'
  | 'stagedAgeMsMax'
  | 'commitAttemptsMax'
  | 'commitBackoffMinMs'
  | 'commitBackoffMaxMs'
  | 'metadataVersionsMax'
  | 'manifestsMax'
  | 'manifestBytesTarget'
  | 'cacheBytesMax'
> {
  /** Memory of the process that sorts and writes files, about; what exceeds it goes to the temporary directory. */
  readonly memoryBytesMax: number;
  /** A group of files that takes longer to rewrite fails with `unavailable`. */
  readonly jobTimeoutMs: number;
  /** Files of one group; what is beyond it waits for the next group. */
  readonly groupFilesMax: number;
  /** Objects fetched, stored or deleted at once. */
  readonly transfersMax: number;
  /**
   * A snapshot is kept at least this long after it was current, whatever the retention says: whoever planned a scan of
   * the newest rows before has this long to read the files. Scans of older snapshots have no such time.
   */
  readonly readerGraceMs: number;
}

export const ICEBERG_MAINTENANCE_DEFAULTS: Omit<IcebergTableMaintenanceOptions, 'tempDirectory'> = {
  rowGroupRows: ICEBERG_DEFAULTS.rowGroupRows,
  stagedAgeMsMax: ICEBERG_DEFAULTS.stagedAgeMsMax,
  // More than a writer of ticks has: each of those may win a race, and all that is lost is a manifest list.
  commitAttemptsMax: 30,
  commitBackoffMinMs: ICEBERG_DEFAULTS.commitBackoffMinMs,
  commitBackoffMaxMs: ICEBERG_DEFAULTS.commitBackoffMaxMs,
  metadataVersionsMax: ICEBERG_DEFAULTS.metadataVersionsMax,
  manifestsMax: ICEBERG_DEFAULTS.manifestsMax,
  manifestBytesTarget: ICEBERG_DEFAULTS.manifestBytesTarget,
  cacheBytesMax: 67_108_864,
  memoryBytesMax: 1_073_741_824,
  jobTimeoutMs: 3_600_000,
  groupFilesMax: 2_000,
  transfersMax: 8,
  readerGraceMs: 600_000,
};

/**
 * Maintenance of the tables that an IcebergTickStore writes, in the same process or another one. Every change is a commit
 * as any other: it is compared and set, prepared anew on what others committed meanwhile, and seen by all engines.
 */
export class IcebergTableMaintenance implements TableMaintenance {
  private readonly options: IcebergTableMaintenanceOptions;
  private readonly parts: CompactionParts & Pick<IcebergTickStorePorts, 'catalog'> & { readonly named: NamedFiles };
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<unknown>>();
  private lastCompaction: Promise<unknown> = Promise.resolve();

  constructor(
    ports: IcebergTickStorePorts,
    options: Pick<IcebergTableMaintenanceOptions, 'tempDirectory'> & Partial<IcebergTableMaintenanceOptions>,
  ) {
    this.options = { ...ICEBERG_MAINTENANCE_DEFAULTS, ...options };
    const { cacheBytesMax, commitAttemptsMax, commitBackoffMinMs, commitBackoffMaxMs } = this.options;
    const files = new TableFiles({ ...ports, cacheBytesMax });
    const tables = new LakeTables({ ...ports, files });
    const changes = new CatalogChanges({ ...ports, files });
    const landing = new Landing(ports, {
      attemptsMax: commitAttemptsMax,
      backoffMinMs: commitBackoffMinMs,
      backoffMaxMs: commitBackoffMaxMs,
      advice: 'run the task again',
    });
    const commits = new MaintenanceCommits({ ...ports, tables, landing, changes });
    const digests = new DigestThread();
    this.parts = { ...ports, files, named: new NamedFiles(files), tables, commits, digests };
  }

  /** Runs of one instance take turns: each takes a core and `memoryBytesMax`. */
  compact(table: TableName, options: CompactionOptions): Promise<CompactionReport> {
    const previous = this.lastCompaction;
    const run = this.run(options, async (signal) => {
      await previous;
      return new Compaction(this.parts, this.options, table, options).run(signal);
    });
    this.lastCompaction = run.catch(() => undefined);
    return run;
  }

  expireSnapshots(table: TableName, retention: SnapshotRetention, options: MaintenanceOptions): Promise<ExpiryReport> {
    return this.run(options, (signal) =>
      expireSnapshots(this.parts, this.options, table, retention, { ...options, signal }),
    );
  }

  removeOrphans(
    table: TableName,
    options: MaintenanceOptions & { readonly olderThanUs: number },
  ): Promise<OrphanReport> {
    return this.run(options, (signal) => removeOrphans(this.parts, this.options, table, { ...options, signal }));
  }

  rewriteManifests(table: TableName, options: MaintenanceOptions): Promise<ManifestReport> {
    return this.run(options, (signal) => rewriteManifests(this.parts, this.options, table, { ...options, signal }));
  }

  dropBefore(table: TableName, options: MaintenanceOptions & { readonly beforeUs: number }): Promise<RetentionReport> {
    return this.run(options, (signal) => dropPartitions(this.parts, this.options, table, { ...options, signal }));
  }

  /** Cancels what runs, and resolves once it has ended. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.allSettled(this.running);
  }

  private run<Report>(options: MaintenanceOptions, task: (signal: AbortSignal) => Promise<Report>): Promise<Report> {
    const { signal: closing } = this.closing;
    const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
    const running = inMaintenanceTerms(() => task(signal));
    const ended = running.then(
      () => undefined,
      () => undefined,
    );
    this.running.add(ended);
    void ended.then(() => this.running.delete(ended));
    return running;
  }
}

async function inMaintenanceTerms<Report>(task: () => Promise<Report>): Promise<Report> {
  try {
    return await task();
  } catch (error) {
    if (isPortError<TableMaintenanceErrorKind>(error, 'not-allowed', 'cancelled')) throw error;
    return inStoreTerms(() => Promise.reject(error));
  }
}
