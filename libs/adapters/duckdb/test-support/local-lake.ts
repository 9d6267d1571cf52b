import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { gapColumns, quarantineColumns, sessionColumns } from '@k2/domain/lake';
import {
  printDecimal,
  RECORD_SCHEMAS,
  recordColumns,
  type ColumnBatch,
  type FieldType,
  type NamedColumn,
  type RecordField,
  type RecordSchema,
  type Utf8Column,
} from '@k2/domain/market';
import type { LocalFile, ObjectStore, PlannedRows, ScanPlan } from '@k2/ports';

/** For specs: a folder of Parquet files written by DuckDB from rows, with K2's field ids, and the plans to read them. */
export class LocalLake {
  /** Files acquired and not yet released. */
  filesInUse = 0;
  private readonly directory: string;
  private readonly database: DuckDBInstance;
  private filesWritten = 0;

  static async create(): Promise<LocalLake> {
    return new LocalLake(await mkdtemp(join(tmpdir(), "k2 duckdb'-")), await DuckDBInstance.create());
  }

  private constructor(directory: string, database: DuckDBInstance) {
    this.directory = directory;
    this.database = database;
  }

  get objectStore(): ObjectStore {
    const unused = () => Promise.reject(new Error('a query engine only reads local files'));
    return {
      uri: (key) => key,
      key: (uri) => uri,
      get: unused,
      putIfAbsent: unused,
      putFileIfAbsent: unused,
      delete: unused,
      list: () => {
        throw new Error('a query engine lists nothing');
      },
      localFile: (key) => Promise.resolve(this.acquire(key)),
    };
  }

  files(): readonly string[] {
    return readdirSync(this.directory);
  }

  path(key: string): string {
    return join(this.directory, key);
  }

  /** One file a batch of ticks, so that a scan has several. */
  async plansFor(rows: PlannedRows): Promise<readonly ScanPlan[]> {
    return Promise.all(
      RECORD_SCHEMAS.map(async (schema) =>
        this.plan(schema, await Promise.all(rowsByFile(schema, rows).map((file) => this.write(schema, file)))),
      ),
    );
  }

  plan(schema: Pick<RecordSchema, 'table' | 'fields'>, keys: readonly string[]): ScanPlan {
    const files = keys.map((key) => ({ key, rowCount: 0, sizeBytes: 0, timeSpan: null }));
    return {
      table: schema.table,
      snapshotId: 1n,
      committedUs: 0,
      fields: schema.fields,
      files,
      filesTotal: files.length,
      alterations: [],
    };
  }

  /** Writes rows of JSON values; returns the file's key. */
  async write(schema: Pick<RecordSchema, 'fields'>, rows: readonly object[]): Promise<string> {
    const key = `${++this.filesWritten}.parquet`;
    const json = this.path(`${key}.json`);
    await writeFile(json, rows.map((row) => JSON.stringify(row)).join('\n'));
    const columns = schema.fields.map(({ name, type }) => `"${name}": '${JSON_TYPES[type]}'`).join(', ');
    const select = schema.fields.map(({ name, type }) => fromJson(name, type)).join(', ');
    await this
      .run(`COPY (SELECT ${select} FROM read_json(${quoted(json)}, format = 'newline_delimited', columns = {${columns}}))
      TO ${quoted(this.path(key))} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {${schema.fields.map(fieldId).join(', ')}})`);
    return key;
  }

  /** Runs SQL in a database of the spec's own; `{file}` names are made with `path`. */
  async run(sql: string): Promise<readonly Record<string, unknown>[]> {
    const connection = await this.database.connect();
    try {
      await connection.run("SET TimeZone = 'UTC'");
      return (await connection.runAndReadAll(sql)).getRowObjectsJson();
    } finally {
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    this.database.closeSync();
    await rm(this.directory, { recursive: true });
  }

  private acquire(key: string): LocalFile {
    this.filesInUse++;
    return { path: this.path(key), release: () => void this.filesInUse-- };
  }
}

const JSON_TYPES: Readonly<Record<FieldType, string>> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  long: 'BIGINT',
  timestamp: 'BIGINT',
  decimal: 'DECIMAL(18,8)',
  binary: 'VARCHAR',
  'string-list': 'VARCHAR[]',
  'string-map': 'MAP(VARCHAR, VARCHAR)',
};

function fromJson(name: string, type: FieldType): string {
  if (type === 'timestamp') return `make_timestamptz("${name}") AS "${name}"`;
  if (type === 'binary') return `unhex("${name}") AS "${name}"`;
  return `"${name}"`;
}

function fieldId({ name, id, type, nestedId }: RecordField): string {
  if (type === 'string-list') return `"${name}": {__duckdb_field_id: ${id}, element: ${nestedId}}`;
  if (type === 'string-map') return `"${name}": {__duckdb_field_id: ${id}, key: ${nestedId}, value: ${nestedId! + 1}}`;
  return `"${name}": ${id}`;
}

export function quoted(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}

function rowsByFile(
  { table }: RecordSchema,
  { ticks, gaps, sessions, quarantine }: PlannedRows,
): readonly (readonly object[])[] {
  switch (table) {
    case 'market_data.trades':
    case 'market_data.quotes':
      return ticks
        .filter(({ batch }) => table === `market_data.${batch.recordType}`)
        .map((placed) => rowObjects(recordColumns(placed)));
    case 'audit.sequence_gaps':
      return gapColumns(gaps).map(rowObjects);
    case 'audit.sessions':
      return sessionColumns(sessions).map(rowObjects);
    case 'audit.quarantine':
      return quarantineColumns(quarantine).map(rowObjects);
  }
}

function rowObjects({ rowCount, columns }: ColumnBatch): readonly object[] {
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(columns.map((column) => [column.name, jsonValue(column, row)])),
  );
}

function jsonValue({ column }: NamedColumn, row: number): unknown {
  switch (column.kind) {
    case 'integer':
      return column.values[row];
    case 'int64':
      return column.values[row].toString();
    case 'decimal':
      return printDecimal(column.values[row]);
    case 'dictionary':
      return column.dictionary[column.codes[row]];
    case 'utf8':
      return bytesAt(column.values, row).toString() || null;
    case 'binary':
      return bytesAt(column.values, row).toString('hex');
  }
}

function bytesAt({ bytes, offsets }: Utf8Column, row: number): Buffer {
  return Buffer.from(bytes.subarray(offsets[row], offsets[row + 1]));
}
