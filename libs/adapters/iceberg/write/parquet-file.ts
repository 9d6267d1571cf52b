import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { BIGINT, BLOB, DECIMAL, DuckDBTableFunction, INTEGER, LIST, MAP, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { FieldType } from '@k2/domain/market';
import type { ColumnWriter } from './column-writer.ts';
import { copyToParquet, type ParquetFacts } from './parquet-copy.ts';
import { CHUNK_ROWS } from './vector-data.ts';
import type { FileField, WriterOptions } from './write-job.ts';

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
  private isStopped = false;

  constructor(connection: DuckDBConnection, options: WriterOptions) {
    this.connection = connection;
    this.options = options;
    connection.registerTableFunction(this.tableFunction());
  }

  /** Not to be called again before it settles. */
  async write(path: string, source: ParquetRows): Promise<ParquetFacts> {
    if (this.isStopped) throw new Error('the Parquet writer was stopped');
    this.source = source;
    this.given = 0;
    this.failure = null;
    try {
      const select = `SELECT * FROM ${TABLE_FUNCTION}()`;
      const [written] = await copyToParquet(this.connection, select, path, source.fields, this.options);
      if (written.rowCount !== source.rows.length) {
        throw new Error(`${path}: DuckDB wrote ${written.rowCount} rows of ${source.rows.length}`);
      }
      return written.facts;
    } catch (error) {
      // DuckDB keeps only the text of what the table function threw.
      throw this.failure ?? error;
    } finally {
      this.source = null;
    }
  }

  /** No further file is begun. */
  stop(): void {
    this.isStopped = true;
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

const TABLE_FUNCTION = 'k2_rows';
