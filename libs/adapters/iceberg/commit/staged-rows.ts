import type { TableName } from '@k2/domain/market';
import type { StagedRows } from '@k2/ports';
import type { ManifestFile } from '../format/manifest-list.ts';
import type { Attempt } from './attempt.ts';

/** Data files and the manifest that lists them; nothing refers to them yet. */
export interface StagedTable {
  readonly table: TableName;
  /** Of the snapshot that will make them visible; the same in every attempt. */
  readonly snapshotId: bigint;
  /** Its sequence numbers are the snapshot's, which is not known yet. */
  readonly manifest: Omit<ManifestFile, 'sequenceNumber' | 'minSequenceNumber'>;
  readonly partitionCount: number;
  readonly sizeBytes: number;
  /** Keys of the data files and the manifest. */
  readonly keys: readonly string[];
}

/** Rows written but not visible, and what became of them. */
export class StagedLakeRows implements StagedRows {
  readonly tables: readonly StagedTable[];
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** When their staging began. */
  readonly stagedUs: number;
  state: 'staged' | 'committed' | 'discarded' = 'staged';
  /** Attempts to commit these rows of which it is not known whether they took effect. */
  readonly unresolved: Attempt[] = [];

  constructor(tables: readonly StagedTable[], stagedUs: number) {
    this.tables = tables;
    this.stagedUs = stagedUs;
    this.rowCount = tables.reduce((sum, table) => sum + table.manifest.addedRows, 0);
    this.sizeBytes = tables.reduce((sum, table) => sum + table.sizeBytes, 0);
  }
}
