import { RECORD_TYPES, type FieldType } from '@k2/domain/market';
import type { ScanField } from '@k2/ports';
import type { LocalScan } from './engine-messages.ts';

const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  long: 'BIGINT',
  timestamp: 'TIMESTAMPTZ',
  decimal: 'DECIMAL(18,8)',
  binary: 'BLOB',
  'string-list': 'VARCHAR[]',
  'string-map': 'MAP(VARCHAR, VARCHAR)',
};

/**
 * The rows of a scan as a FROM item. Columns are found by field id, so that files written before a column was renamed
 * or added read as the snapshot names it. https://duckdb.org/docs/stable/data/parquet/overview (`schema`)
 * `names`: the columns needed, all where absent; each one declared costs planning time.
 */
export function scanRelation({ fields: all, paths }: LocalScan, names?: readonly string[]): string {
  const fields = names === undefined ? all : all.filter(({ name }) => names.includes(name));
  if (paths.length === 0) {
    const columns = fields.map(({ name, type }) => `NULL::${SQL_TYPES[type]} AS ${quoteName(name)}`);
    return `(SELECT ${columns.join(', ')} WHERE false)`;
  }
  const schema = fields.map(({ id, name, type }) => {
    return `${id}: {name: ${quoteText(name)}, type: ${quoteText(SQL_TYPES[type])}, default_value: NULL}`;
  });
  return `read_parquet([${paths.map(quoteText).join(', ')}], schema = MAP {${schema.join(', ')}})`;
}

export const MESSAGE_ID = 'message_id';

/** `messageId()` of the domain, in SQL. */
const MESSAGE_ID_SQL = `concat_ws('/', ${['exchange', 'symbol', 'session'].map(escaped).join(', ')}, source_sequence)`;

function escaped(name: string): string {
  return `replace(replace(${quoteName(name)}, '%', '%25'), '/', '%2F')`;
}

export function isTickTable(table: LocalScan['table']): boolean {
  return RECORD_TYPES.some((recordType) => table === `market_data.${recordType}`);
}

/** Every column that a question may ask of the scan, in order. */
export function scanColumns({ table, fields }: LocalScan): readonly string[] {
  const names = fields.map(({ name }) => name);
  return isTickTable(table) ? [...names, MESSAGE_ID] : names;
}

export function columnSql(name: string): string {
  return name === MESSAGE_ID ? `${MESSAGE_ID_SQL} AS ${MESSAGE_ID}` : quoteName(name);
}

/**
 * A column as user SQL sees it. The product of two DECIMAL(18,8) is computed, and overflows, in 18 digits; of two
 * DECIMAL(19,8) it is DECIMAL(38,16), which no product exceeds.
 */
export function userColumnSql({ name, type }: ScanField): string {
  const column = quoteName(name);
  return type === 'decimal' ? `${column}::DECIMAL(19,8) AS ${column}` : column;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal. DuckDB knows no escapes but the doubled quote; a NUL would end the statement. */
export function quoteText(text: string): string {
  if (text.includes('\0')) throw new RangeError('text holds a NUL character');
  return `'${text.replaceAll("'", "''")}'`;
}
