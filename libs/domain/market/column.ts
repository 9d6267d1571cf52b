import type { FieldType } from './record-schema.ts';
import type { Utf8Column } from './tick-batch.ts';
import type { VendorData } from './ticks.ts';

/** A dictionary's value: a string, a list of strings, a string map, or null. */
export type DictionaryValue = string | readonly string[] | VendorData | null;

/**
 * One column of a record as everything that writes or answers columns sees it, whatever the record type.
 * Arrays hold one element a row.
 */
export type Column =
  | { readonly kind: 'integer'; readonly values: Float64Array }
  /** Integers that may be beyond 2^53. */
  | { readonly kind: 'int64'; readonly values: BigInt64Array }
  | { readonly kind: 'decimal'; readonly values: BigInt64Array }
  /** `dictionary[codes[row]]`: the column's distinct values, or more. */
  | {
      readonly kind: 'dictionary';
      readonly codes: Uint16Array | Uint8Array;
      readonly dictionary: readonly DictionaryValue[];
    }
  /** A string a row; empty means null where the field is optional. */
  | { readonly kind: 'utf8'; readonly values: Utf8Column }
  | { readonly kind: 'binary'; readonly values: Utf8Column };

export interface NamedColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly column: Column;
}

/** Rows of one record as columns, in the order of its schema. */
export interface ColumnBatch {
  readonly rowCount: number;
  readonly columns: readonly NamedColumn[];
}
