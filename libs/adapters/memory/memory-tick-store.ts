import type { RecordSchema, TableName } from '@k2/domain/market';
import {
  PortError,
  type Clock,
  type CommitReceipt,
  type PartitionClaim,
  type PartitionProgress,
  type PlannedRows,
  type ProgressChange,
  type Random,
  type ScanPlan,
  type ScanRequest,
  type SchemaChange,
  type StagedRows,
  type StoredState,
  type TableSnapshot,
  type TableStats,
  type TickStore,
  type TickStoreErrorKind,
  type TopicPartition,
} from '@k2/ports';
import { memoryFiles, type MemoryFile } from './memory-tick-store-file.ts';
import { MemoryProgress } from './memory-tick-store-progress.ts';
import { MemoryTable } from './memory-tick-store-table.ts';

export interface MemoryTickStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bound on rows held, visible and staged; staging more is refused with `unavailable`. Default 2,000,000. */
  readonly rowsMax?: number;
}

/**
 * A TickStore for tests and demonstrations. Keeps the columns it is given and every version of every table, so it
 * forgets nothing but at the end of the process. A commit runs in one go: no other call sees half of it.
 */
export class MemoryTickStore implements TickStore {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly rowsMax: number;
  private readonly tables = new Map<TableName, MemoryTable>();
  private readonly log = new MemoryProgress();
  private readonly files = new Map<string, MemoryFile>();
  private readonly staged = new Map<StagedRows, readonly MemoryFile[]>();
  private rowsHeld = 0;
  private filesMade = 0;
  private commits = 0;
  private lastCommitUs = -Infinity;
  private closed = false;

  constructor({ clock, random, rowsMax = 2_000_000 }: MemoryTickStoreOptions) {
    this.clock = clock;
    this.random = random;
    this.rowsMax = rowsMax;
  }

  async ensureTables(schemas: readonly RecordSchema[]): Promise<void> {
    this.assertOpen();
    for (const schema of schemas) {
      if (!this.tables.has(schema.table)) this.tables.set(schema.table, new MemoryTable(schema));
    }
  }

  async claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    this.assertOpen();
    return this.log.claim(writer, partitions);
  }

  async progress(): Promise<readonly PartitionProgress[]> {
    this.assertOpen();
    return this.log.progress();
  }

  async state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    this.assertOpen();
    return this.log.state(keys);
  }

  async stage(rows: PlannedRows): Promise<StagedRows> {
    this.assertOpen();
    const files = memoryFiles(rows, (table) => `memory/${table}/${++this.filesMade}`);
    for (const file of files) this.table(file.table);
    const staged = {
      rowCount: files.reduce((sum, file) => sum + file.rowCount, 0),
      sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    };
    if (this.rowsHeld + staged.rowCount > this.rowsMax) {
      throw this.error(
        'unavailable',
        `the memory store holds ${this.rowsHeld} rows and cannot take ${staged.rowCount} more: its bound rowsMax is ` +
          `${this.rowsMax}; raise it, or record into a store on disk`,
        { rowsMax: this.rowsMax, rowsHeld: this.rowsHeld, rowCount: staged.rowCount },
      );
    }
    this.rowsHeld += staged.rowCount;
    this.staged.set(staged, files);
    return staged;
  }

  async commit(staged: StagedRows, change: ProgressChange): Promise<CommitReceipt> {
    this.assertOpen();
    const files = this.staged.get(staged);
    if (files === undefined)
      throw new TypeError(
        'these rows are not staged here: they were committed or discarded, or another store made them',
      );
    const claims = this.log.apply(change);
    // From here on nothing can fail.
    this.staged.delete(staged);
    const committedUs = Math.max(this.clock.nowUs(), this.lastCommitUs + 1);
    this.lastCommitUs = committedUs;
    this.commits++;
    const progress = this.log.progress();
    const snapshots = new Map<TableName, bigint>();
    for (const table of new Set(files.map((file) => file.table))) {
      const added = files.filter((file) => file.table === table);
      const snapshotId = this.random.int63();
      this.table(table).append(added, { snapshotId, committedUs, dataSequenceNumber: this.commits, progress });
      snapshots.set(table, snapshotId);
    }
    for (const file of files) this.files.set(file.key, file);
    return { rowCount: staged.rowCount, snapshots, committedUs, claims };
  }

  async discard(staged: StagedRows): Promise<void> {
    if (this.staged.delete(staged)) this.rowsHeld -= staged.rowCount;
  }

  async snapshots(table: TableName, limit: number): Promise<readonly TableSnapshot[]> {
    this.assertOpen();
    return this.table(table).listSnapshots(limit);
  }

  async plan(request: ScanRequest): Promise<ScanPlan> {
    this.assertOpen();
    return this.table(request.table).plan(request);
  }

  async stats(): Promise<readonly TableStats[]> {
    this.assertOpen();
    return [...this.tables.values()].map((table) => table.stats());
  }

  async evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void> {
    this.assertOpen();
    this.table(table).evolve(changes);
  }

  /** The planned files themselves, for the engine that reads them. Throws `unavailable` for a plan of another store. */
  filesOf(plan: ScanPlan): readonly MemoryFile[] {
    this.assertOpen();
    return plan.files.map(({ key }) => {
      const file = this.files.get(key);
      if (file === undefined)
        throw this.error('unavailable', `${key} is not a file of this memory store: plan the scan with it`, { key });
      return file;
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.files.clear();
    this.staged.clear();
    this.tables.clear();
  }

  private table(name: TableName): MemoryTable {
    const table = this.tables.get(name);
    if (table === undefined)
      throw this.error(
        'unknown-table',
        `there is no table ${name}: a server that records, or a load, makes it when it starts`,
        { table: name },
      );
    return table;
  }

  private assertOpen(): void {
    if (this.closed)
      throw this.error('unavailable', 'the memory store is closed, and what it held is gone: make another');
  }

  private error(kind: TickStoreErrorKind, message: string, context: Readonly<Record<string, unknown>> = {}) {
    return new PortError<TickStoreErrorKind>(kind, message, context);
  }
}
