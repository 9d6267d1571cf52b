import type { AnswerColumn } from '@k2/ports';
import {
  DuckDBTypeId,
  type DuckDBDecimalType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBType,
} from '@duckdb/node-api';
import { checkValuesNamed } from './named-values.ts';

/** How a column of DuckDB's is read into a column of the answer. */
export type Reading =
  /** Fixed-width integers, exact as numbers where they are small enough. `factor`: to µs, of times. */
  | { readonly kind: 'integer'; readonly bytes: 1 | 2 | 4 | 8 | 16; readonly signed: boolean; readonly factor: bigint }
  | { readonly kind: 'decimal'; readonly bytes: 2 | 4 | 8 | 16; readonly scale: number }
  | { readonly kind: 'double'; readonly bytes: 4 | 8 }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'string' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'string-list' }
  | { readonly kind: 'string-map' }
  /** Through DuckDB's own conversion: as text where that gives text, else as JSON. */
  | { readonly kind: 'converted'; readonly asText: boolean };

export interface ReadColumn {
  readonly answer: AnswerColumn;
  readonly reading: Reading;
}

export function readColumn(name: string, type: DuckDBType): ReadColumn {
  checkValuesNamed(name, type);
  const reading = readingOf(type);
  const scale = reading.kind === 'decimal' ? { scale: reading.scale } : {};
  const range = RANGES.get(type.typeId);
  return {
    answer: { name, type: answerType(reading, type), ...scale, ...(range !== undefined && { range }) },
    reading,
  };
}

function answerType(reading: Reading, { typeId }: DuckDBType): AnswerColumn['type'] {
  if (reading.kind === 'integer') return TIMES.has(typeId) ? 'timestamp' : 'integer';
  if (reading.kind === 'converted') return reading.asText ? 'string' : 'json';
  return reading.kind;
}

const RANGES: ReadonlyMap<DuckDBTypeId, NonNullable<AnswerColumn['range']>> = new Map([
  [DuckDBTypeId.UBIGINT, 'uint64'],
  [DuckDBTypeId.HUGEINT, 'wide'],
  [DuckDBTypeId.UHUGEINT, 'wide'],
]);

const TIMES: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_TZ,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_S,
]);

function readingOf(type: DuckDBType): Reading {
  switch (type.typeId) {
    case DuckDBTypeId.TINYINT:
      return integer(1, true);
    case DuckDBTypeId.SMALLINT:
      return integer(2, true);
    case DuckDBTypeId.INTEGER:
      return integer(4, true);
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return integer(8, true);
    case DuckDBTypeId.TIMESTAMP_MS:
      return integer(8, true, 1_000n);
    case DuckDBTypeId.TIMESTAMP_S:
      return integer(8, true, 1_000_000n);
    case DuckDBTypeId.HUGEINT:
      return integer(16, true);
    case DuckDBTypeId.UTINYINT:
      return integer(1, false);
    case DuckDBTypeId.USMALLINT:
      return integer(2, false);
    case DuckDBTypeId.UINTEGER:
      return integer(4, false);
    case DuckDBTypeId.UBIGINT:
      return integer(8, false);
    case DuckDBTypeId.UHUGEINT:
      return integer(16, false);
    case DuckDBTypeId.DECIMAL:
      return decimal(type as DuckDBDecimalType);
    case DuckDBTypeId.FLOAT:
      return { kind: 'double', bytes: 4 };
    case DuckDBTypeId.DOUBLE:
      return { kind: 'double', bytes: 8 };
    case DuckDBTypeId.BOOLEAN:
      return { kind: 'boolean' };
    case DuckDBTypeId.VARCHAR:
      return { kind: 'string' };
    case DuckDBTypeId.BLOB:
      return { kind: 'binary' };
    case DuckDBTypeId.LIST:
      return isText((type as DuckDBListType).valueType)
        ? { kind: 'string-list' }
        : { kind: 'converted', asText: false };
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as DuckDBMapType;
      return isText(keyType) && isText(valueType) ? { kind: 'string-map' } : { kind: 'converted', asText: false };
    }
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.TIME:
    case DuckDBTypeId.TIME_NS:
    case DuckDBTypeId.TIME_TZ:
    case DuckDBTypeId.TIMESTAMP_NS:
    case DuckDBTypeId.ENUM:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.BIT:
    case DuckDBTypeId.BIGNUM:
      return { kind: 'converted', asText: true };
    default:
      return { kind: 'converted', asText: false };
  }
}

function isText({ typeId }: DuckDBType): boolean {
  return typeId === DuckDBTypeId.VARCHAR;
}

function integer(bytes: 1 | 2 | 4 | 8 | 16, signed: boolean, factor = 1n): Reading {
  return { kind: 'integer', bytes, signed, factor };
}

/** https://duckdb.org/docs/stable/sql/data_types/numeric#fixed-point-decimals: width decides the integer beneath. */
function decimal({ width, scale }: DuckDBDecimalType): Reading {
  const bytes = width <= 4 ? 2 : width <= 9 ? 4 : width <= 18 ? 8 : 16;
  return { kind: 'decimal', bytes, scale };
}
