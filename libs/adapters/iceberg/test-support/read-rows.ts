import {
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBBlobValue,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { exactNumber, type FieldType } from '@k2/domain/market';
import type { ObjectStore, ScanPlan } from '@k2/ports';

export type ReadRow = Readonly<Record<string, unknown>>;

/** All rows of a plan's files, columns found by field id. */
export async function readRows(plan: ScanPlan, objects: ObjectStore): Promise<readonly ReadRow[]> {
  if (plan.files.length === 0) return [];
  const paths = await Promise.all(plan.files.map(async ({ key }) => (await objects.localFile(key)).path));
  const fields = plan.fields.map(
    ({ id, name, type }) => `${id}: {name: ${text(name)}, type: '${SQL_TYPES[type]}', default_value: NULL}`,
  );
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const result = await connection.runAndReadAll(
      `SELECT * FROM read_parquet([${paths.map(text).join(', ')}], schema = MAP {${fields.join(', ')}})`,
    );
    return result
      .getRowObjects()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

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

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function plain(value: DuckDBValue): unknown {
  if (typeof value === 'bigint') return exactNumber(value);
  if (value instanceof DuckDBTimestampTZValue) return Number(value.micros);
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBBlobValue) return value.bytes;
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBMapValue)
    return Object.fromEntries(value.entries.map((entry) => [entry.key, plain(entry.value)]));
  return value;
}
