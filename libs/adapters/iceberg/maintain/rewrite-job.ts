import type { ColumnMetrics } from '../write/column-metrics.ts';
import type { ParquetFacts } from '../write/parquet-copy.ts';
import type { FileField } from '../write/write-job.ts';

/** What the rewriting process is asked for, and what it answers. */

export interface RewriteSettings {
  /** Of the engine's memory; what sorting needs beyond it goes to disk. */
  readonly memoryBytes: number;
}

export interface SortKey {
  readonly name: string;
  readonly direction: 'asc' | 'desc';
  readonly nullOrder: 'nulls-first' | 'nulls-last';
}

export interface RewriteJob {
  /** Local Parquet files with field ids. */
  readonly paths: readonly string[];
  /** Columns of the new files, under the names that the table has for their ids now. */
  readonly fields: readonly FileField[];
  readonly sortBy: readonly SortKey[];
  readonly zstdLevel: number;
  readonly rowGroupRows: number;
  /** Null: one file, whatever its size. */
  readonly rowGroupsPerFile: number | null;
  /** Exists; the new files go there, and what sorting spills. */
  readonly directory: string;
}

export interface RewrittenFile extends ParquetFacts, ColumnMetrics {
  readonly path: string;
  readonly rowCount: number;
}

export interface RewriteRequest {
  readonly id: number;
  readonly job: RewriteJob;
}

export type RewriteResponse =
  { readonly id: number; readonly files: readonly RewrittenFile[] } | { readonly id: number; readonly error: string };
