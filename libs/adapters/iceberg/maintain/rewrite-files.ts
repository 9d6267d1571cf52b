import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DuckDBBlobValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBConnection,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { FieldType } from '@k2/domain/market';
import type { Value } from '../format/single-value.ts';
import { columnMetrics } from '../write/column-metrics.ts';
import type { ColumnFacts } from '../write/column-writer.ts';
import { copyToParquet, quotedName, quotedText } from '../write/parquet-copy.ts';
import type { FileField } from '../write/write-job.ts';
import type { RewriteJob, RewriteSettings, RewrittenFile } from './rewrite-job.ts';

/**
 * Sorts the rows of all files together and writes them as new files, each a range of the sort order. Rows never leave
 * DuckDB; where they exceed its memory they are sorted on disk.
 */
export async function rewriteFiles(job: RewriteJob, settings: RewriteSettings): Promise<readonly RewrittenFile[]> {
  const spill = join(job.directory, 'spill');
  await mkdir(spill);
  const instance = await DuckDBInstance.create(':memory:', {
    // One thread: only then do the files of one COPY follow the order of the rows.
    threads: '1',
    memory_limit: `${settings.memoryBytes}B`,
    temp_directory: spill,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    // Least and greatest values are to be those of the rows, not of statistics, which may be cut.
    await connection.run("SET disabled_optimizers = 'statistics_propagation'");
    await checkFieldIds(connection, job.paths);
    const copied = await copyToParquet(
      connection,
      sortedRows(job),
      join(job.directory, job.rowGroupsPerFile === null ? 'sorted.parquet' : 'sorted'),
      job.fields,
      job,
      job.rowGroupsPerFile === null ? [] : [`ROW_GROUPS_PER_FILE ${job.rowGroupsPerFile}`],
    );
    const files: RewrittenFile[] = [];
    for (const { path, rowCount, facts } of copied.filter((file) => file.rowCount > 0)) {
      const columns = await columnFacts(connection, path, job.fields, rowCount);
      files.push({ path, rowCount, ...facts, ...columnMetrics(job.fields, columns, rowCount) });
    }
    return files;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Columns are found by field id: of a file without any, every column would be read as null. */
async function checkFieldIds(connection: DuckDBConnection, paths: readonly string[]): Promise<void> {
  const result = await connection.runAndReadAll(
    `SELECT file_name FROM parquet_schema(${list(paths)}) GROUP BY file_name HAVING count(field_id) = 0`,
  );
  const without = result.getRows().map(([path]) => String(path));
  if (without.length > 0) throw new Error(`${without.join(', ')}: no field ids, so its columns cannot be told apart`);
}

function sortedRows({ paths, fields, sortBy }: RewriteJob): string {
  const schema = fields.map(
    ({ id, name, type }) => `${id}: {name: ${quotedText(name)}, type: '${SQL_TYPES[type]}', default_value: NULL}`,
  );
  const keys = sortBy.map(
    ({ name, direction, nullOrder }) =>
      `${quotedName(name)} ${direction} ${nullOrder === 'nulls-first' ? 'NULLS FIRST' : 'NULLS LAST'}`,
  );
  const order = keys.length === 0 ? '' : ` ORDER BY ${keys.join(', ')}`;
  return `SELECT * FROM read_parquet(${list(paths)}, schema = MAP {${schema.join(', ')}}, ${NOT_HIVE})${order}`;
}

/** A folder called `exchange=ASX`, as other engines make them, is no column. */
const NOT_HIVE = 'hive_partitioning = false';

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

function list(paths: readonly string[]): string {
  return `[${paths.map(quotedText).join(', ')}]`;
}

/** Read back from the file that was written: exact whatever its footer leaves out. */
async function columnFacts(
  connection: DuckDBConnection,
  path: string,
  fields: readonly FileField[],
  rowCount: number,
): Promise<readonly ColumnFacts[]> {
  const columns = fields.map(({ name, type }) => {
    const column = quotedName(name);
    const isPlain = type !== 'string-list' && type !== 'string-map';
    return isPlain ? `count(${column}), min(${column}), max(${column})` : `count(${column}), NULL, NULL`;
  });
  const result = await connection.runAndReadAll(
    `SELECT ${columns.join(', ')} FROM read_parquet(${quotedText(path)}, ${NOT_HIVE})`,
  );
  const [row] = result.getRows();
  return fields.map((_, position) => {
    const [count, min, max] = row.slice(3 * position, 3 * position + 3);
    const range = min === null || max === null ? null : { min: exact(min), max: exact(max) };
    return { nullCount: rowCount - Number(count), range };
  });
}

function exact(value: DuckDBValue): Value {
  if (value instanceof DuckDBTimestampTZValue) return value.micros;
  if (value instanceof DuckDBDecimalValue) return value.value;
  if (value instanceof DuckDBBlobValue) return value.bytes;
  return value as Value;
}
