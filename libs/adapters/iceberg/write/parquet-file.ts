import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { BIGINT, BLOB, DECIMAL, DuckDBTableFunction, INTEGER, LIST, MAP, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { FieldType } from '@k2/domain/market';
import type { ColumnWriter } from './column-writer.ts';
import { CHUNK_ROWS } from './vector-data.ts';
import type { FileField, WriterOptions } from './write-job.ts';

/** What the Parquet footer says, by field id; ids of lists and maps are those of their leaves. */
export interface ParquetFacts {
  readonly sizeBytes: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly splitOffsets: readonly number[];
}

export interface ParquetRows {
  readonly fields: readonly FileField[];
  readonly writers: readonly ColumnWriter[];
  readonly rows: Uint32Array;
}

/** Writes Parquet through DuckDB: a table function in JS feeds COPY, so that rows are never stored in between. */
export class ParquetFileWriter {
  private readonly connection: DuckDBConnection;
  private readonly options: WriterOptions;
  /** What the table function gives out; one file at a time. */
  private source: ParquetRows | null = null;
  private given = 0;
  private failure: unknown = null;

  constructor(connection: DuckDBConnection, options: WriterOptions) {
    this.connection = connection;
    this.options = options;
    connection.registerTableFunction(this.tableFunction());
  }

  /** Not to be called again before it settles. */
  async write(path: string, source: ParquetRows): Promise<ParquetFacts> {
    this.source = source;
    this.given = 0;
    this.failure = null;
    try {
      const { rowGroupRows, zstdLevel } = this.options;
      const result = await this.connection.runAndReadAll(
        `COPY (SELECT * FROM ${TABLE_FUNCTION}()) TO ${quoted(path)} (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd,
          COMPRESSION_LEVEL ${zstdLevel}, ROW_GROUP_SIZE ${rowGroupRows}, DICTIONARY_SIZE_LIMIT ${DICTIONARY_VALUES_MAX},
          WRITE_BLOOM_FILTER false, FIELD_IDS ${fieldIds(source.fields)}, RETURN_STATS)`,
      );
      const [written] = result.getRowObjectsJson() as unknown as [CopyResult];
      if (Number(written.count) !== source.rows.length) {
        throw new Error(`${path}: DuckDB wrote ${written.count} rows of ${source.rows.length}`);
      }
      return {
        sizeBytes: Number(written.file_size_bytes),
        columnSizes: columnSizes(written.column_statistics, source.fields),
        splitOffsets: await this.splitOffsets(path),
      };
    } catch (error) {
      // DuckDB keeps only the text of what the table function threw.
      throw this.failure ?? error;
    } finally {
      this.source = null;
    }
  }

  private tableFunction(): DuckDBTableFunction {
    return DuckDBTableFunction.create({
      name: TABLE_FUNCTION,
      bindFunction: (bind) => {
        const { fields, rows } = this.source!;
        for (const field of fields) bind.addResultColumn(field.name, DUCKDB_TYPES[field.type]);
        bind.setCardinality(rows.length, true);
      },
      initFunction: (init) => init.setMaxThreads(1),
      mainFunction: (_, chunk) => {
        try {
          this.fill(chunk);
        } catch (error) {
          this.failure = error;
          throw error;
        }
      },
    });
  }

  private fill(chunk: DuckDBDataChunk): void {
    const { rows, writers } = this.source!;
    const count = Math.min(CHUNK_ROWS, rows.length - this.given);
    chunk.rowCount = count;
    if (count === 0) return;
    writers.forEach((writer, column) =>
      writer.fill(duckdb.data_chunk_get_vector(chunk.chunk, column), rows, this.given, count),
    );
    this.given += count;
  }

  /** Where row groups start (`split_offsets`): the first page of their first column. */
  private async splitOffsets(path: string): Promise<number[]> {
    const groups = await this.connection.runAndReadAll(
      `SELECT min(CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) ELSE data_page_offset END)
       FROM parquet_metadata(${quoted(path)}) GROUP BY row_group_id ORDER BY row_group_id`,
    );
    return groups.getRows().map(([offset]) => Number(offset));
  }
}

const DUCKDB_TYPES: Readonly<Record<FieldType, DuckDBType>> = {
  string: VARCHAR,
  int: INTEGER,
  long: BIGINT,
  timestamp: TIMESTAMPTZ,
  decimal: DECIMAL(18, 8),
  binary: BLOB,
  'string-list': LIST(VARCHAR),
  'string-map': MAP(VARCHAR, VARCHAR),
};

function fieldIds(fields: readonly FileField[]): string {
  return `{${fields.map((field) => `${quotedName(field.name)}: ${fieldId(field)}`).join(', ')}}`;
}

function fieldId({ id, type, nestedId }: FileField): string {
  if (type === 'string-list') return `{__duckdb_field_id: ${id}, element: ${nestedId}}`;
  if (type === 'string-map') return `{__duckdb_field_id: ${id}, key: ${nestedId}, value: ${nestedId! + 1}}`;
  return String(id);
}

/**
 * Distinct values of a row group beyond which it is delta-coded instead. DuckDB's own bound, a fifth of the rows, costs
 * time and space: columns that rise with each row have no use of a dictionary. Nor of bloom filters: bounds prune.
 */
const DICTIONARY_VALUES_MAX = 1_000;

const TABLE_FUNCTION = 'k2_rows';

interface CopyResult {
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

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
