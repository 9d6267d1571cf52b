import type { RecordSchema, TableName } from '@k2/domain/market';
import {
  PortError,
  type Clock,
  type CommitReceipt,
  type Histogram,
  type ObjectStore,
  type PartitionClaim,
  type PartitionProgress,
  type PlannedRows,
  type ProgressChange,
  type Random,
  type ScanPlan,
  type ScanRequest,
  type Scheduler,
  type SchemaChange,
  type StagedRows,
  type StoredState,
  type TableCatalog,
  type TableSnapshot,
  type TableStats,
  type Telemetry,
  type TickStore,
  type TopicPartition,
} from '@k2/ports';
import { CatalogChanges } from './commit/catalog-changes.ts';
import { LakeCommits } from './commit/lake-commits.ts';
import { Landing } from './commit/landing.ts';
import { checkFits, newTable } from './commit/new-table.ts';
import { TableStage } from './commit/stage.ts';
import { StagedLakeRows } from './commit/staged-rows.ts';
import { LakeTables } from './lake-tables.ts';
import { planScan } from './read/scan-planning.ts';
import { snapshotAsOf, tableSnapshots, tableStats } from './read/snapshots.ts';
import { inStoreTerms } from './store-error.ts';
import { TableFiles } from './table-files.ts';
import { ParquetWriter } from './write/parquet-writer.ts';
import { tableBatches } from './write/table-batches.ts';

export interface IcebergTickStorePorts {
  readonly catalog: TableCatalog;
  /** Its root is the warehouse. */
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export interface IcebergTickStoreOptions {
  /** Local directory, which exists, for files on their way to the object store; what a crash leaves there is garbage. */
  readonly tempDirectory: string;
  /** Data files are split beyond this. */
  readonly fileBytesTarget: number;
  /** Smaller row groups let readers skip more and compress less. */
  readonly rowGroupRows: number;
  /** 3 instead of 1 saves a twentieth of the space at most, and costs a sixth of the writing speed. */
  readonly zstdLevel: number;
  /** Threads of the DuckDB that encodes and compresses, besides the thread that sorts. */
  readonly writerThreads: number;
  /** Tables being staged at once; further stages wait. */
  readonly stagesMax: number;
  /** A stage that takes longer fails with `unavailable`. */
  readonly stageTimeoutMs: number;
  /** How long the writing thread may take to end what it writes when it is stopped; then it is left to itself. */
  readonly writerStopMsMax: number;
  /** Rows staged longer ago are refused with `unavailable`; well below the age at which orphans are removed. */
  readonly stagedAgeMsMax: number;
  readonly commitAttemptsMax: number;
  readonly commitBackoffMinMs: number;
  readonly commitBackoffMaxMs: number;
  readonly metadataVersionsMax: number;
  readonly manifestsMax: number;
  readonly manifestBytesTarget: number;
  /** Parsed metadata and manifests kept in memory; the least recently used go first. */
  readonly cacheBytesMax: number;
}

export const ICEBERG_DEFAULTS: Omit<IcebergTickStoreOptions, 'tempDirectory'> = {
  fileBytesTarget: 134_217_728,
  rowGroupRows: 65_536,
  zstdLevel: 1,
  writerThreads: 1,
  stagesMax: 2,
  stageTimeoutMs: 120_000,
  writerStopMsMax: 10_000,
  stagedAgeMsMax: 1_800_000,
  commitAttemptsMax: 10,
  commitBackoffMinMs: 20,
  commitBackoffMaxMs: 2_000,
  metadataVersionsMax: 100,
  manifestsMax: 100,
  manifestBytesTarget: 8_388_608,
  cacheBytesMax: 134_217_728,
};

/**
 * Ticks in Apache Iceberg tables, format v2, that every Iceberg engine reads. Rows are written as Parquet, sorted within
 * each partition, and become visible by one change of the catalog which also moves the log's progress.
 */
export class IcebergTickStore implements TickStore {
  private readonly ports: IcebergTickStorePorts;
  private readonly options: IcebergTickStoreOptions;
  private readonly files: TableFiles;
  private readonly tables: LakeTables;
  private readonly writer: ParquetWriter;
  private readonly tableStage: TableStage;
  private readonly commits: LakeCommits;
  private readonly stageMs: Histogram;
  private readonly commitMs: Histogram;
  private lastCommit: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    ports: IcebergTickStorePorts,
    options: Pick<IcebergTickStoreOptions, 'tempDirectory'> & Partial<IcebergTickStoreOptions>,
  ) {
    this.ports = ports;
    this.options = { ...ICEBERG_DEFAULTS, ...options };
    const { cacheBytesMax, rowGroupRows, zstdLevel, writerThreads, stagesMax, stageTimeoutMs, writerStopMsMax } =
      this.options;
    const { commitAttemptsMax, commitBackoffMinMs, commitBackoffMaxMs } = this.options;
    this.files = new TableFiles({ ...ports, cacheBytesMax });
    this.tables = new LakeTables({ ...ports, files: this.files });
    this.writer = new ParquetWriter(
      { rowGroupRows, zstdLevel, duckdbThreads: writerThreads },
      { jobsMax: stagesMax, jobTimeoutMs: stageTimeoutMs, stopTimeoutMs: writerStopMsMax },
    );
    const { files, tables, writer } = this;
    this.tableStage = new TableStage({ ...ports, tables, files, writer }, this.options);
    const landing = new Landing(ports, {
      attemptsMax: commitAttemptsMax,
      backoffMinMs: commitBackoffMinMs,
      backoffMaxMs: commitBackoffMaxMs,
      advice: 'commit the same staged rows again',
    });
    const changes = new CatalogChanges({ ...ports, files });
    this.commits = new LakeCommits({ ...ports, tables, files, landing, changes }, this.options);
    this.stageMs = ports.telemetry.histogram('k2_stage_ms', 'Time to write the rows of a commit.', 'ms');
    this.commitMs = ports.telemetry.histogram('k2_commit_ms', 'Time to make staged rows visible.', 'ms');
  }

  async ensureTables(schemas: readonly RecordSchema[]): Promise<void> {
    await this.run(async () => {
      for (const schema of schemas) await this.ensureTable(schema);
    });
  }

  private async ensureTable(record: RecordSchema): Promise<void> {
    const { objects, random } = this.ports;
    const { metadataVersionsMax } = this.options;
    const location = objects.uri(record.table.replaceAll('.', '/'));
    await this.commits.create(record.table, (createdMs, isRemade) =>
      newTable(record, { location, uuid: random.uuid(), createdMs, metadataVersionsMax, isRemade }),
    );
    checkFits(record, (await this.tables.load(record.table)).metadata);
  }

  claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    return this.run(() => this.ports.catalog.claim(writer, partitions));
  }

  progress(): Promise<readonly PartitionProgress[]> {
    return this.run(() => this.ports.catalog.progress());
  }

  state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return this.run(() => this.ports.catalog.state(keys));
  }

  stage(rows: PlannedRows): Promise<StagedRows> {
    return this.timed(this.stageMs, async () => {
      const stagedUs = this.ports.clock.nowUs();
      const batches = [...tableBatches(rows)];
      const outcomes = await Promise.allSettled(
        batches.map(([table, columns]) => this.tableStage.stage(table, columns)),
      );
      const staged = outcomes.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      const all = new StagedLakeRows(staged, stagedUs);
      if (failed === undefined) return all;
      await this.deleteStaged(all);
      throw failed.reason;
    });
  }

  commit(staged: StagedRows, progress: ProgressChange, stop?: AbortSignal): Promise<CommitReceipt> {
    return this.oneAtATime(() =>
      this.timed(this.commitMs, () => this.commits.append(uncommitted(staged), progress, stop)),
    );
  }

  discard(staged: StagedRows): Promise<void> {
    return this.run(async () => {
      const rows = ownRows(staged);
      // Of rows whose commit may still take effect, no file may go.
      if (rows.state !== 'staged' || rows.unresolved.length > 0) return;
      rows.state = 'discarded';
      await this.deleteStaged(rows);
    });
  }

  private async deleteStaged(rows: StagedLakeRows): Promise<void> {
    for (const key of rows.tables.flatMap((table) => table.keys)) {
      await this.ports.objects.delete(key).catch((error: unknown) => {
        this.ports.telemetry.log('warn', 'a file of discarded rows could not be deleted', {
          key,
          error: String(error),
        });
      });
    }
  }

  snapshots(table: TableName, limit: number): Promise<readonly TableSnapshot[]> {
    return this.run(async () => tableSnapshots(table, (await this.tables.load(table)).metadata, limit, this.files));
  }

  plan(request: ScanRequest): Promise<ScanPlan> {
    return this.run(async () => {
      const { metadata } = await this.tables.load(request.table);
      const snapshot = snapshotAsOf(request.table, metadata, request.asOf);
      return planScan(request, metadata, snapshot, this.files, (path) => this.ports.objects.key(path));
    });
  }

  stats(): Promise<readonly TableStats[]> {
    return this.run(async () =>
      Array.from(await this.tables.loadAll(), ([table, { metadata }]) => tableStats(table, metadata)),
    );
  }

  evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void> {
    return this.oneAtATime(() => this.commits.evolve(table, changes));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.lastCommit;
    await this.writer.close();
  }

  private async run<Result>(step: () => Promise<Result>): Promise<Result> {
    if (this.closed) throw new PortError('unavailable', 'this store was closed: open another');
    return inStoreTerms(step);
  }

  private timed<Result>(histogram: Histogram, step: () => Promise<Result>): Promise<Result> {
    return this.run(async () => {
      const startUs = this.ports.clock.monotonicUs();
      const result = await step();
      histogram.record((this.ports.clock.monotonicUs() - startUs) / 1_000);
      return result;
    });
  }

  /** Commits of one store would only get in each other's way. */
  private oneAtATime<Result>(step: () => Promise<Result>): Promise<Result> {
    const previous = this.lastCommit;
    const result = this.run(async () => {
      await previous;
      return step();
    });
    this.lastCommit = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}

function ownRows(staged: StagedRows): StagedLakeRows {
  if (staged instanceof StagedLakeRows) return staged;
  throw new TypeError('these rows were staged by another store: commit them there');
}

function uncommitted(staged: StagedRows): StagedLakeRows {
  const rows = ownRows(staged);
  if (rows.state !== 'staged') throw new TypeError(`these rows were ${rows.state} already`);
  return rows;
}
