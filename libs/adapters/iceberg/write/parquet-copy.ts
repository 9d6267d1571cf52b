import type { DuckDBConnection } from '@duckdb/node-api';
import { digestOfFile } from '../objects/digest.ts';
import type { FileField, WriterOptions } from './write-job.ts';

/** Digest of the file, and what its footer says, by field id; ids of lists and maps are those of their leaves. */
export interface ParquetFacts {
  /** See `digestOf`. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly splitOffsets: readonly number[];
}

/** A file that COPY says it wrote. */
export interface CopiedFile {
  readonly path: string;
  readonly rowCount: number;
  readonly facts: ParquetFacts;
}

/**
 * Runs `COPY (select) TO path` as K2 writes all its data files. `extra`: further options of the statement, under which
 * DuckDB may write several files, into a directory of that path.
 */
export async function copyToParquet(
  connection: DuckDBConnection,
  select: string,
  path: string,
  fields: readonly FileField[],
  { rowGroupRows, zstdLevel }: Pick<WriterOptions, 'rowGroupRows' | 'zstdLevel'>,
  extra: readonly string[] = [],
): Promise<readonly CopiedFile[]> {
  const options = [
    'FORMAT parquet',
    'PARQUET_VERSION V2',
    'COMPRESSION zstd',
    `COMPRESSION_LEVEL ${zstdLevel}`,
    `ROW_GROUP_SIZE ${rowGroupRows}`,
    `DICTIONARY_SIZE_LIMIT ${DICTIONARY_VALUES_MAX}`,
    'WRITE_BLOOM_FILTER false',
    `FIELD_IDS ${fieldIds(fields)}`,
    'RETURN_STATS',
    ...extra,
  ];
  const result = await connection.runAndReadAll(`COPY (${select}) TO ${quotedText(path)} (${options.join(', ')})`);
  const copied = result.getRowObjectsJson() as unknown as readonly CopyResult[];
  return Promise.all(
    copied.map(async ({ filename, count, file_size_bytes, column_statistics }) => ({
      path: filename,
      rowCount: Number(count),
      facts: {
        // Still in memory: the system has just written it.
        digest: digestOfFile(filename),
        sizeBytes: Number(file_size_bytes),
        columnSizes: columnSizes(column_statistics, fields),
        splitOffsets: await splitOffsets(connection, filename),
      },
    })),
  );
}

/**
 * Distinct values of a row group beyond which it is delta-coded instead. DuckDB's own bound, a fifth of the rows, costs
 * time and space: columns that rise with each row have no use of a dictionary. Nor of bloom filters: bounds prune.
 */
const DICTIONARY_VALUES_MAX = 1_000;

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function fieldIds(fields: readonly FileField[]): string {
  return `{${fields.map((field) => `${quotedName(field.name)}: ${fieldId(field)}`).join(', ')}}`;
}

function fieldId({ id, type, nestedId }: FileField): string {
  if (type === 'string-list') return `{__duckdb_field_id: ${id}, element: ${nestedId}}`;
  if (type === 'string-map') return `{__duckdb_field_id: ${id}, key: ${nestedId}, value: ${nestedId! + 1}}`;
  return String(id);
}

/** Where row groups start (`split_offsets`): the first page of their first column. */
async function splitOffsets(connection: DuckDBConnection, path: string): Promise<number[]> {
  const groups = await connection.runAndReadAll(
    `SELECT min(CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) ELSE data_page_offset END)
     FROM parquet_metadata(${quotedText(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
  );
  return groups.getRows().map(([offset]) => Number(offset));
}

interface CopyResult {
  readonly filename: string;
  readonly count: string;
  readonly file_size_bytes: string;
  readonly column_statistics: ColumnStatistics;
}

type ColumnStatistics = readonly {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}[];

/** DuckDB names leaves by quoted path: `"symbol"`, `"trade_conditions"."element"`. */
function columnSizes(statistics: ColumnStatistics, fields: readonly FileField[]): ReadonlyMap<number, number> {
  const sizes = new Map<number, number>();
  const idByPath = new Map(fields.flatMap(leafPaths));
  for (const { key, value } of statistics) {
    const id = idByPath.get(key);
    const size = value.find((entry) => entry.key === 'column_size_bytes');
    if (id !== undefined && size !== undefined) sizes.set(id, Number(size.value));
  }
  return sizes;
}

function leafPaths({ id, name, type, nestedId }: FileField): [string, number][] {
  const path = quotedName(name);
  if (type === 'string-list')
    return [
      [`${path}."list"."element"`, nestedId!],
      [`${path}."element"`, nestedId!],
    ];
  if (type === 'string-map') {
    return [
      [`${path}."key_value"."key"`, nestedId!],
      [`${path}."key_value"."value"`, nestedId! + 1],
      [`${path}."key"`, nestedId!],
      [`${path}."value"`, nestedId! + 1],
    ];
  }
  return [[path, id]];
}
