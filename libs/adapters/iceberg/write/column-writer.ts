import type { Vector } from '@duckdb/node-bindings';
import type { Value } from '../format/single-value.ts';

/** Puts one column of the rows asked for into DuckDB's vectors, and keeps what a manifest says about them. */
export interface ColumnWriter {
  /** Begins a file. */
  begin(): void;
  /** Rows `rows[from .. from + count)`, at most a chunk. */
  fill(vector: Vector, rows: Uint32Array, from: number, count: number): void;
  /** Of the file begun last. */
  facts(): ColumnFacts;
}

export interface ColumnFacts {
  readonly nullCount: number;
  /** Null where no row has a value, and of lists and maps. */
  readonly range: { readonly min: Value; readonly max: Value } | null;
}
