import type { FieldType } from '@k2/domain/market';
import type { AnswerColumn, AnswerType } from '@k2/ports';
import type { VwapPlaces } from './made-columns.ts';

/** A column that Trino selects, and how its values are read. */
export interface ReadColumn {
  readonly name: string;
  readonly type: Exclude<AnswerType, 'double' | 'boolean' | 'json'>;
  /** Of decimals. */
  readonly scale?: number;
}

/** A column of the answer: the place of one that is selected, or what it is made of. */
export type AnswerPart =
  | { readonly kind: 'read'; readonly at: number }
  /** Places of exchange, symbol, session and source_sequence. */
  | { readonly kind: 'message-id'; readonly of: readonly number[] }
  | ({ readonly kind: 'vwap' } & VwapPlaces);

export interface Statement {
  /** Null: there is nothing that Trino would have to be asked. */
  readonly sql: string | null;
  readonly read: readonly ReadColumn[];
  readonly columns: readonly AnswerColumn[];
  /** Of each column. */
  readonly parts: readonly AnswerPart[];
}

export function readColumn(name: string, type: FieldType): ReadColumn {
  return type === 'decimal' ? { name, type, scale: 8 } : { name, type: READ_TYPES[type] };
}

const READ_TYPES: Readonly<Record<Exclude<FieldType, 'decimal'>, ReadColumn['type']>> = {
  string: 'string',
  int: 'integer',
  long: 'integer',
  timestamp: 'timestamp',
  binary: 'binary',
  'string-list': 'string-list',
  'string-map': 'string-map',
};

/** Whose columns are those selected. */
export function plainStatement(sql: string | null, read: readonly ReadColumn[]): Statement {
  return { sql, read, columns: read, parts: read.map((_, at) => ({ kind: 'read', at })) };
}
