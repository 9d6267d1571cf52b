import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase, type EngineDatabase } from './engine-database.ts';
import { isSameQuery, selectTree, type Tree } from './statement-tree.ts';

/** Texts whose parse tree is harmless, and whose printed form is not. */
const PRINTED_OTHERWISE: readonly string[] = [
  `SELECT "t.*, current_setting('allowed_paths') AS x, t".* FROM (SELECT 1 AS a) AS t`,
  `SELECT "t.* FROM (SELECT 1 AS pwned) t) LIMIT 1) TO '/tmp/k2-attack.csv' (FORMAT csv, USE_TMP_FILE false) --".* FROM trades AS t`,
  `SELECT "t.*, x FROM duckdb_settings() t --".* FROM trades AS t`,
  `SELECT "t.*; COPY (SELECT 1) TO '/tmp/k2-attack.csv'; SELECT t".* FROM trades AS t`,
];

/** Names of ASCII letters spelt with a letter that JavaScript lower-cases to one of them, and DuckDB does not. */
const LOOK_ALIKES: readonly string[] = [
  'WITH "duc\u212adb_views" AS (SELECT 1 AS x) SELECT * FROM duckdb_views',
  'WITH "duc\u212adb_settings" AS (SELECT 1 AS x) SELECT * FROM duckdb_settings',
  'WITH RECURSIVE "duc\u212adb_views" AS (SELECT 1 AS x UNION ALL SELECT 1 FROM duckdb_views) SELECT 1 AS y',
  'SELECT * FROM "\u212b"',
];

describe('user SQL as it is printed', () => {
  let database: EngineDatabase;
  let functions: ReadonlySet<string>;
  beforeAll(async () => {
    database = await openDatabase({ mode: 'sql', threads: 1, duckDbMemoryBytesMax: 500_000_000 });
    functions = await database.functions();
  });
  afterAll(() => database.close());

  it.each([...PRINTED_OTHERWISE, ...LOOK_ALIKES])('is refused if it is another query: %s', async (text) => {
    await expect(database.permittedSql(text, functions)).rejects.toMatchObject({ kind: 'forbidden-query' });
  });

  it.each([
    'SELECT user',
    'SELECT "user"',
    'SELECT CURRENT_USER',
    'SELECT session_user',
    'SELECT current_role',
    'SELECT current_catalog',
    'SELECT current_schema',
    'SELECT current_database()',
  ])('names no user, database or schema of the engine: %s', async (text) => {
    await expect(database.permittedSql(text, functions)).rejects.toMatchObject({ kind: 'forbidden-query' });
  });

  it('runs numbers with an exponent as the DOUBLE they are, and changes no text that looks like one', async () => {
    const constant =
      '{"class":"CONSTANT","type":"VALUE_CONSTANT","alias":"","query_location":7,"value":{"type":{"id":"DOUBLE","type_info":null},"is_null":false,"value":1.0}}';
    const text = `SELECT 1e0 AS "a""b", '${constant}' AS "${constant.replaceAll('"', '""')}", 9007199254740993`;
    const printed = await database.permittedSql(text, functions);
    const read = await database.connection.runAndReadAll(printed);
    expect(read.columnNames().slice(0, 2)).toEqual(['a"b', constant]);
    expect(read.columnTypes().map(String)).toEqual(['DOUBLE', 'VARCHAR', 'BIGINT']);
    expect(read.getRows()).toEqual([[1, constant, 9_007_199_254_740_993n]]);
  });

  it('runs numbers beyond the range of DOUBLE as DuckDB reads them, infinite, and says so where it cannot', async () => {
    const text = `SELECT 1e400 AS "a""b", -1e400, '"value":Infinity', [1e999] AS l`;
    const read = await database.connection.runAndReadAll(await database.permittedSql(text, functions));
    expect(read.columnNames()[0]).toBe('a"b');
    expect(read.getRowsJson()).toEqual([['Infinity', '-Infinity', '"value":Infinity', ['Infinity']]]);
    await expect(database.permittedSql('SELECT * FROM trades USING SAMPLE 1e400%', functions)).rejects.toMatchObject({
      kind: 'invalid-query',
      message: expect.not.stringMatching(/JSON|token/),
    });
  });

  it.each([
    'SELECT (1=1) IS TRUE',
    'SELECT CASE WHEN (1=1) IS NOT FALSE THEN 1 END',
    "SELECT symbol FROM trades WHERE (symbol = 'CC') IS TRUE AND (price > 1) IS NOT TRUE",
    'SELECT NULL::BOOLEAN IS FALSE, true, false, NOT true',
    'VALUES (1), (2)',
    'SELECT * FROM (VALUES (1, 2), (3, 4)) v(a, b)',
    'SELECT count(*) FROM trades GROUP BY ROLLUP(symbol), CUBE(side)',
    'SELECT t.user FROM (SELECT 1 AS user) AS t',
    'SELECT * FROM trades AS "my t" ORDER BY ALL',
  ])('runs though its tree differs in what means nothing: %s', async (text) => {
    const printed = await database.permittedSql(text, functions);
    expect(isSameQuery(await treeOf(text), await treeOf(printed))).toBe(true);
  });

  it('is the query that was written, over permitted relations, whatever is quoted, aliased or starred', async () => {
    let permitted = 0;
    await fc.assert(
      fc.asyncProperty(statements, async (text) => {
        const printed = await database.permittedSql(text, functions).catch((error: { kind?: string }) => {
          expect(['forbidden-query', 'invalid-query']).toContain(error.kind);
          return null;
        });
        if (printed === null) return;
        permitted++;
        const tree = await treeOf(printed);
        expect(isSameQuery(await treeOf(text), tree)).toBe(true);
        const ctes = Array.from(text.matchAll(/("(?:[^"]|"")*"|\w+) AS \(SELECT 1 AS x\)/g), unquoted);
        const known = [...RELATIONS, ...ctes];
        for (const relation of relationsOf(tree)) {
          expect(known).toContain(relation.toLowerCase());
          expect(['duckdb_views', 'sqlite_master']).not.toContain(relation);
        }
        expect((await database.connection.extractStatements(printed)).count).toBe(1);
      }),
      { numRuns: 500 },
    );
    // Else it would have shown nothing.
    expect(permitted).toBeGreaterThan(50);
  }, 120_000);

  async function treeOf(text: string): Promise<Tree> {
    const reader = await database.connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [text]);
    return selectTree(String(reader.getRows()[0][0]));
  }
});

const RELATIONS: readonly string[] = ['trades', 'quotes', 'market_data.trades'];

/** The name of a CTE, folded; of letters only ASCII's occur with an upper case, and the Kelvin sign by itself. */
function unquoted([, written]: RegExpMatchArray): string {
  return written
    .replace(/^"(.*)"$/s, '$1')
    .replaceAll('""', '"')
    .toLowerCase();
}

/** What could end a name, a list or a statement if it were printed without quotes. */
const fragment = fc.constantFrom(
  't',
  'c',
  'x',
  '*',
  '.',
  ', ',
  ' ',
  ')',
  '(',
  ';',
  '--',
  '/*',
  "'",
  '""',
  ' AS ',
  ' FROM ',
  'trades',
  'duckdb_settings()',
  'SELECT',
  'duc\u212adb_views',
  'é',
  '\u00a0',
  '[1]',
  '::',
  'user',
  'UNION SELECT 1',
);
const quotedName = fc.array(fragment, { minLength: 1, maxLength: 5 }).map((parts) => `"${parts.join('')}"`);
const name = fc.oneof(fc.constantFrom('t', 'c', 'x', 'T', 'price', 'symbol'), quotedName);
const relation = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('trades', 'quotes', 'market_data.trades', 'c') },
  fc.constantFrom('duckdb_views', '"duc\u212adb_views"', 'sqlite_master', 'range(3)', '(VALUES (1), (2))'),
  quotedName,
);
const column = fc.oneof(
  name,
  fc.tuple(name, name).map(([t, n]) => `${t}.${n}`),
  name.map((t) => `${t}.*`),
  fc.tuple(name, name).map(([t, n]) => `${t}.* EXCLUDE (${n})`),
  fc.tuple(name, name).map(([n, as]) => `* REPLACE (1 AS ${n}), 1 AS ${as}`),
  fc.tuple(name, name).map(([n, as]) => `* RENAME (${n} AS ${as})`),
  fc.tuple(name, name).map(([n, as]) => `{${n}: 1} AS ${as}`),
  name.map((n) => `list_transform([1], lambda ${n}: ${n})`),
  name.map((n) => `sum(1) OVER ${n}`),
  name.map((n) => `1::${n}`),
  name.map((n) => `COLUMNS(${n}.*)`),
  name.map((n) => `1 COLLATE ${n}`),
  name.map((n) => `${n}(1)`),
);
const statements = fc
  .record({
    ctes: fc.array(name, { maxLength: 2 }),
    columns: fc.array(column, { minLength: 1, maxLength: 3 }),
    from: relation,
    alias: fc.option(name),
    using: fc.option(name),
    window: fc.option(name),
    end: fc.constantFrom('', ';', ' -- x', ' ORDER BY ALL', ' LIMIT 1'),
  })
  .map(({ ctes, columns, from, alias, using, window, end }) => {
    const withs = ctes.length === 0 ? '' : `WITH ${ctes.map((n) => `${n} AS (SELECT 1 AS x)`).join(', ')} `;
    const as = alias === null ? '' : ` AS ${alias}`;
    const joined = using === null ? '' : ` JOIN quotes USING (${using})`;
    const named = window === null ? '' : ` WINDOW ${window} AS (ORDER BY 1)`;
    return `${withs}SELECT ${columns.join(', ')} FROM ${from}${as}${joined}${named}${end}`;
  });

function* relationsOf(value: unknown): Iterable<string> {
  if (Array.isArray(value)) for (const element of value) yield* relationsOf(element);
  else if (typeof value === 'object' && value !== null) {
    const node = value as Record<string, unknown>;
    if (node['type'] === 'BASE_TABLE')
      yield node['schema_name'] === '' ? String(node['table_name']) : `${node['schema_name']}.${node['table_name']}`;
    for (const child of Object.values(node)) yield* relationsOf(child);
  }
}
