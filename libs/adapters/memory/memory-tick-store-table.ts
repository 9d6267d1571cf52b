import type { RecordSchema, TableName } from '@k2/domain/market';
import {
  PortError,
  type AsOf,
  type PartitionProgress,
  type ScanField,
  type ScanPlan,
  type ScanRequest,
  type SchemaChange,
  type TableSnapshot,
  type TableStats,
  type TickStoreErrorKind,
} from '@k2/ports';
import { mayMatch, type MemoryFile } from './memory-tick-store-file.ts';
import { evolvedFields, firstFreeId } from './memory-tick-store-schema.ts';

interface Version {
  readonly snapshot: Omit<TableSnapshot, 'isCurrent'>;
  readonly fields: readonly ScanField[];
}

export interface AppendedSnapshot {
  readonly snapshotId: bigint;
  readonly committedUs: number;
  readonly dataSequenceNumber: number;
  readonly progress: readonly PartitionProgress[];
}

/** A table and all its versions. Files are only ever added, so a version is a number of files. */
export class MemoryTable {
  private readonly name: TableName;
  private fields: readonly ScanField[];
  private nextFieldId: number;
  private readonly files: MemoryFile[] = [];
  private readonly versions: Version[] = [];

  constructor(schema: RecordSchema) {
    this.name = schema.table;
    this.fields = schema.fields.map(({ id, name, type, required }) => ({ id, name, type, required }));
    this.nextFieldId = firstFreeId(schema);
  }

  append(
    added: readonly MemoryFile[],
    { snapshotId, committedUs, dataSequenceNumber, progress }: AppendedSnapshot,
  ): void {
    const parent = this.versions.at(-1)?.snapshot;
    const addedRows = sum(added, (file) => file.rowCount);
    this.files.push(...added);
    const snapshot = {
      table: this.name,
      snapshotId,
      parentSnapshotId: parent?.snapshotId ?? null,
      dataSequenceNumber,
      committedUs,
      operation: 'append',
      addedRows,
      totalRows: (parent?.totalRows ?? 0) + addedRows,
      totalFiles: this.files.length,
      totalBytes: (parent?.totalBytes ?? 0) + sum(added, (file) => file.sizeBytes),
      progress,
      // Rows come by commits alone, and stay.
      alterations: [],
    };
    this.versions.push({ snapshot, fields: this.fields });
  }

  listSnapshots(limit: number): TableSnapshot[] {
    const newest = this.versions.at(-1);
    const last = this.versions.slice(-limit || this.versions.length).reverse();
    return (limit < 1 ? [] : last).map((version) => ({ ...version.snapshot, isCurrent: version === newest }));
  }

  plan(request: ScanRequest): ScanPlan {
    const version = this.versionAsOf(request.asOf);
    // The latest rows are read with the latest schema, which may be newer than their snapshot.
    const fields = version === null || request.asOf.kind === 'latest' ? this.fields : version.fields;
    const files = this.files.slice(0, version?.snapshot.totalFiles ?? 0);
    return {
      table: this.name,
      snapshotId: version?.snapshot.snapshotId ?? null,
      committedUs: version?.snapshot.committedUs ?? null,
      fields,
      files: files
        .filter((file) => mayMatch(file, request))
        .map(({ key, rowCount, sizeBytes, timeSpan }) => ({ key, rowCount, sizeBytes, timeSpan })),
      filesTotal: files.length,
      alterations: [],
    };
  }

  stats(): TableStats {
    const newest = this.versions.at(-1)?.snapshot;
    return {
      table: this.name,
      snapshotId: newest?.snapshotId ?? null,
      committedUs: newest?.committedUs ?? null,
      rowCount: newest?.totalRows ?? 0,
      fileCount: newest?.totalFiles ?? 0,
      sizeBytes: newest?.totalBytes ?? 0,
      snapshotCount: this.versions.length,
    };
  }

  evolve(changes: readonly SchemaChange[]): void {
    const evolved = evolvedFields(this.name, this.fields, this.nextFieldId, changes);
    this.fields = evolved.fields;
    this.nextFieldId = evolved.nextFieldId;
  }

  private versionAsOf(asOf: AsOf): Version | null {
    if (asOf.kind === 'latest') return this.versions.at(-1) ?? null;
    if (asOf.kind === 'snapshot') {
      const found = this.versions.find((version) => version.snapshot.snapshotId === asOf.snapshotId);
      if (found !== undefined) return found;
      throw this.error('unknown-snapshot', `${this.name} has no snapshot ${asOf.snapshotId}: list its snapshots`, asOf);
    }
    const found = this.versions.findLast((version) => version.snapshot.committedUs <= asOf.timeUs);
    if (found !== undefined) return found;
    const firstUs = this.versions[0]?.snapshot.committedUs ?? null;
    const first = firstUs === null ? 'it has no snapshot yet' : `its first one is of ${firstUs} µs`;
    throw this.error('no-snapshot-before', `${this.name} has no snapshot at or before ${asOf.timeUs} µs: ${first}`, {
      ...asOf,
      firstUs,
    });
  }

  private error(kind: TickStoreErrorKind, message: string, context: Readonly<Record<string, unknown>>) {
    return new PortError<TickStoreErrorKind>(kind, message, { table: this.name, ...context });
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
