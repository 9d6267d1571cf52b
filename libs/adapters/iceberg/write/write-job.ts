import type { Column, FieldType } from '@k2/domain/market';
import type { DataFile } from '../format/manifest.ts';

/** What the writing thread is asked for, and what it answers. All of it survives a structured clone. */

/** A column of the files to write, as the table names it now. */
export interface FileField {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** Of lists and maps: id of the element; of the key, the value's being the next. */
  readonly nestedId: number | null;
}

export interface WriteJob {
  /** Where the files go; exists. */
  readonly directory: string;
  readonly fields: readonly FileField[];
  /** Position in `fields`, and transform. */
  readonly partitionBy: readonly { readonly position: number; readonly transform: string }[];
  /** Positions in `fields`. */
  readonly sortBy: readonly number[];
  /** Rows, each batch with one column for each field, in their order. */
  readonly batches: readonly { readonly rowCount: number; readonly columns: readonly Column[] }[];
  readonly fileBytesTarget: number;
}

/** A Parquet file and what a manifest will say about it. */
export interface WrittenFile extends Omit<DataFile, 'recordCount' | 'sortOrderId'> {
  readonly rowCount: number;
  /** See `digestOf`. */
  readonly digest: string;
}

export interface WriterOptions {
  readonly rowGroupRows: number;
  readonly zstdLevel: number;
  readonly duckdbThreads: number;
}

/** `stop`: end what runs, close DuckDB and exit; nothing is answered any more. */
export type WriterRequest = { readonly id: number; readonly job: WriteJob } | 'stop';
export type WriterResponse =
  | { readonly id: number; readonly files: readonly WrittenFile[] }
  /** `isOfMachine`: the disk or the memory failed, not the rows. */
  | { readonly id: number; readonly error: string; readonly isOfMachine: boolean };
