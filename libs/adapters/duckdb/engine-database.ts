import {
  DuckDBInstance,
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
} from '@duckdb/node-api';
import type { SqlRead } from '@k2/ports';
import type { EngineSettings, LocalScan } from './engine-messages.ts';
import type { Statement } from './statement.ts';
import { distinctNames } from './column-names.ts';
import { withExactConstants, withInfiniteConstants } from './exact-constants.ts';
import { checkValuesNamed } from './named-values.ts';
import { parquetColumn } from './parquet-types.ts';
import { checkPermitted, permittedFunctions } from './sql-permissions.ts';
import { sqlReads } from './sql-reads.ts';
import { forbidden, isSameQuery, selectTree, type Tree } from './statement-tree.ts';
import { columnSql, isTickTable, MESSAGE_ID, quoteName, quoteText, scanRelation, userColumnSql } from './scan-sql.ts';

/** Beyond it the statement least recently used is planned anew when it comes again. */
const PREPARED_STATEMENTS_MAX = 32;

/** An empty in-memory database that loads no extension and spills nothing to disk. */
export async function openDatabase({ threads, duckDbMemoryBytesMax }: EngineSettings): Promise<EngineDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${duckDbMemoryBytesMax}B`,
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run('SET parquet_metadata_cache = true');
  // Fetching the sorted-out rows' columns in a second scan costs more than it saves on rows as narrow as ticks.
  await connection.run("SET disabled_optimizers = 'late_materialization'");
  return new EngineDatabase(instance, connection);
}

const TIME_TYPES: ReadonlySet<string> = new Set(['DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE']);

/** Where a view of user SQL is; no relation that user SQL may name. */
const ANSWER_VIEW = 'k2_answer';

export class EngineDatabase {
  readonly connection: DuckDBConnection;
  private readonly instance: DuckDBInstance;
  /** By SQL, the least recently used first. */
  private readonly statements = new Map<string, DuckDBPreparedStatement>();
  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.instance = instance;
    this.connection = connection;
  }

  /** The statement with its values bound; the same question over the same files is planned once. */
  async prepared({ sql, values }: Statement): Promise<DuckDBPreparedStatement> {
    const statement = this.statements.get(sql) ?? (await this.single(sql, StatementType.SELECT));
    this.statements.delete(sql);
    this.statements.set(sql, statement);
    for (const [oldest, unused] of this.statements) {
      if (this.statements.size <= PREPARED_STATEMENTS_MAX) break;
      this.statements.delete(oldest);
      unused.destroySync();
    }
    statement.bind([...values]);
    return statement;
  }

  /** Writes the rows of a SELECT as a Parquet file. */
  async exported({ sql, values }: Statement, path: string): Promise<DuckDBResult> {
    const copy = `COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`;
    const statement = await this.single(copy, StatementType.COPY);
    statement.bind([...values]);
    return statement.run();
  }

  /**
   * A statement over the rows of one that `permittedSql` gave, as they go into Parquet: user SQL becomes a view, a
   * statement of its own, so that none of its text stands within another.
   */
  async viewed({ sql, values }: Statement, limit: number): Promise<Statement> {
    const query = await this.single(sql, StatementType.SELECT);
    const places = Array.from({ length: query.columnCount }, (_, at) => at);
    const types = places.map((at) => query.columnType(at));
    const names = distinctNames(places.map((at) => query.columnName(at)));
    query.destroySync();
    places.forEach((at) => checkValuesNamed(names[at], types[at]));
    // An error of a cast names the column of the view.
    const view = `${ANSWER_VIEW}(${names.map(quoteName).join(', ')})`;
    await (await this.single(`CREATE TEMP VIEW ${view} AS ${sql}`, StatementType.CREATE)).run();
    const columns = names.map(quoteName).map((name, at) => `${parquetColumn(name, types[at])} AS ${name}`);
    return { sql: `SELECT ${columns.join(', ')} FROM temp.${ANSWER_VIEW} LIMIT ${limit}`, values };
  }

  /** Prepares a text that has to be one statement of one type. */
  private async single(sql: string, type: StatementType): Promise<DuckDBPreparedStatement> {
    const statements = await this.connection.extractStatements(sql);
    if (statements.count !== 1) throw forbidden(`${statements.count} statements would run`);
    const statement = await statements.prepare(0);
    if (statement.statementType === type) return statement;
    statement.destroySync();
    throw forbidden(`a statement of type ${StatementType[statement.statementType]} would run`);
  }

  async functions(): Promise<ReadonlySet<string>> {
    const sql =
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')";
    const reader = await this.connection.runAndReadAll(sql);
    return permittedFunctions(reader.getRows().map(([name]) => String(name)));
  }

  /**
   * The SQL as DuckDB prints its checked parse tree, once that text is parsed again and found to be the same query: what
   * runs is what was checked. DuckDB does not print every name as it has to be quoted. Throws QuestionError if the SQL is
   * not one permitted SELECT.
   */
  async permittedSql(sql: string, functions: ReadonlySet<string>): Promise<string> {
    const serialized = await this.serialized(sql);
    checkPermitted(selectTree(serialized), functions);
    const printed =
      (await this.printed(serialized, functions)) ??
      (await this.printed(withExactConstants(serialized, sql), functions));
    if (printed === null)
      throw forbidden('the statement means something else once DuckDB has printed it: use plain names in it');
    return printed;
  }

  /** Null if the text that DuckDB prints is another query. */
  private async printed(serialized: string, functions: ReadonlySet<string>): Promise<string | null> {
    const written = selectTree(serialized);
    const printed = await this.text('SELECT json_deserialize_sql($1::JSON)', serialized);
    const printedTree = treeOrNull(await this.serialized(printed));
    if (printedTree === null || !isSameQuery(written, printedTree)) return null;
    // Also what `isSameQuery` passes over.
    checkPermitted(printedTree, functions);
    return printed;
  }

  /** What the SQL reads. Throws QuestionError if it is not permitted. */
  async sqlReads(sql: string, functions: ReadonlySet<string>): Promise<readonly SqlRead[]> {
    const query = selectTree(await this.serialized(sql));
    return sqlReads(query, checkPermitted(query, functions), (text, castTo) => this.timeOf(text, castTo));
  }

  private async timeOf(text: string, castTo: string | null): Promise<number | null> {
    if (castTo !== null && !TIME_TYPES.has(castTo)) return null;
    const value = castTo === null ? '$1::VARCHAR' : `$1::VARCHAR::${castTo}`;
    const reader = await this.connection.runAndReadAll(`SELECT epoch_us(TRY(${value}::TIMESTAMPTZ))`, [text]);
    const timeUs = Number(reader.getRows()[0][0] ?? NaN);
    return Number.isSafeInteger(timeUs) ? timeUs : null;
  }

  private async serialized(sql: string): Promise<string> {
    return withInfiniteConstants(await this.text('SELECT json_serialize_sql($1::VARCHAR)', sql));
  }

  private async text(sql: string, value: string): Promise<string> {
    const reader = await this.connection.runAndReadAll(sql, [value]);
    return String(reader.getRows()[0][0]);
  }

  /**
   * Leaves nothing within reach but views of the scans: no other file, no network, no setting, for good.
   * https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
   */
  async lockDown(scans: readonly LocalScan[], exportPath: string | undefined): Promise<void> {
    const schemas = new Set(scans.map(({ table }) => table.slice(0, table.indexOf('.'))));
    for (const schema of schemas) await this.connection.run(`CREATE SCHEMA ${schema}`);
    const paths = scans.flatMap(({ paths: all }) => all);
    if (exportPath !== undefined) paths.push(exportPath);
    await this.connection.run(`SET allowed_paths = [${paths.map(quoteText).join(', ')}]`);
    await this.connection.run('SET enable_external_access = false');
    for (const scan of scans) {
      const columns = scan.fields.map(userColumnSql);
      if (isTickTable(scan.table)) columns.push(columnSql(MESSAGE_ID));
      await this.connection.run(`CREATE VIEW ${scan.table} AS SELECT ${columns.join(', ')} FROM ${scanRelation(scan)}`);
      const name = scan.table.slice(scan.table.indexOf('.') + 1);
      await this.connection.run(`CREATE VIEW ${name} AS FROM ${scan.table}`);
    }
    await this.connection.run('SET lock_configuration = true');
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

function treeOrNull(serialized: string): Tree | null {
  try {
    return selectTree(serialized);
  } catch {
    return null;
  }
}
