import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import { engineOver, sql, type Fixture } from './test-support/fixture.ts';
import { quoted } from './test-support/local-lake.ts';

const FORBIDDEN: readonly string[] = [
  // Statements that are not a SELECT.
  "COPY trades TO '/tmp/k2-attack.csv'",
  "COPY (SELECT * FROM trades) TO '/tmp/k2-attack.parquet' (FORMAT parquet)",
  "COPY trades FROM '/etc/passwd'",
  "ATTACH '/tmp/k2-attack.db' AS stolen",
  'DETACH memory',
  'INSTALL httpfs',
  'LOAD httpfs',
  "SET memory_limit = '100GB'",
  'RESET lock_configuration',
  'PRAGMA database_list',
  "PRAGMA add_parquet_key('k', 'x')",
  'CALL pragma_version()',
  'CHECKPOINT',
  "EXPORT DATABASE '/tmp/k2-attack'",
  "IMPORT DATABASE '/tmp/k2-attack'",
  'CREATE TABLE t AS SELECT 1',
  'CREATE MACRO f() AS TABLE SELECT * FROM trades',
  'CREATE SECRET s (TYPE s3)',
  'INSERT INTO trades SELECT * FROM trades',
  'DELETE FROM trades',
  'DROP VIEW trades',
  'ALTER TABLE trades RENAME TO t',
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'EXPLAIN SELECT * FROM trades',
  'EXPLAIN ANALYZE SELECT * FROM trades',
  'BEGIN TRANSACTION',
  'USE market_data',
  'VACUUM',
  'SET VARIABLE x = 1',
  'SHOW TABLES',
  'DESCRIBE trades',
  'SUMMARIZE trades',
  'FROM (DESCRIBE trades)',
  'FROM (SHOW ALL TABLES)',
  // Several statements.
  'SELECT 1; SELECT 2',
  "SELECT 1; COPY trades TO '/tmp/k2-attack.csv'",
  'SELECT 1;; SET lock_configuration = false',
  // Files and networks.
  "SELECT * FROM '/etc/passwd'",
  "SELECT * FROM 'https://example.com/x.parquet'",
  "SELECT * FROM 's3://bucket/x.parquet'",
  'SELECT * FROM "/etc/passwd"',
  "SELECT * FROM read_csv('/etc/passwd')",
  "SELECT * FROM read_csv_auto('/etc/passwd')",
  "SELECT * FROM READ_TEXT('/etc/passwd')",
  "SELECT * FROM read_blob('/etc/passwd')",
  "SELECT * FROM read_json('/etc/passwd')",
  "SELECT * FROM read_parquet('/etc/passwd')",
  "SELECT * FROM parquet_scan('/etc/passwd')",
  "SELECT * FROM parquet_metadata('/etc/passwd')",
  "SELECT * FROM parquet_kv_metadata('/etc/passwd')",
  "SELECT * FROM read_duckdb('/etc/passwd')",
  "SELECT * FROM sniff_csv('/etc/passwd')",
  "SELECT * FROM glob('/**')",
  "SELECT * FROM main.read_text('/etc/passwd')",
  "SELECT * FROM system.main.read_text('/etc/passwd')",
  "SELECT (SELECT max(content) FROM read_text('/etc/passwd'))",
  "SELECT * FROM trades WHERE symbol IN (SELECT content FROM read_text('/etc/passwd'))",
  'SELECT * FROM trades, LATERAL (SELECT * FROM read_text(symbol)) AS t',
  "SELECT * FROM trades t LEFT JOIN '/etc/passwd' p ON true",
  "SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')",
  "SELECT * FROM (VALUES ((SELECT content FROM read_text('/etc/passwd')))) AS v",
  "SELECT * FROM unnest((SELECT list(content) FROM read_text('/etc/passwd')))",
  "SELECT * FROM range((SELECT count(*) FROM read_text('/etc/passwd')))",
  "SELECT 1 ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
  "SELECT 1 LIMIT (SELECT count(*) FROM read_text('/etc/passwd'))",
  "SELECT count(*) FILTER (WHERE (SELECT true FROM read_text('/etc/passwd'))) FROM trades",
  "SELECT list_transform([1], x -> (SELECT content FROM read_text('/etc/passwd')))",
  "SELECT * FROM trades QUALIFY row_number() OVER (ORDER BY (SELECT content FROM read_text('/etc/passwd'))) = 1",
  "SELECT * REPLACE ((SELECT content FROM read_text('/etc/passwd')) AS symbol) FROM trades",
  "FROM read_text('/etc/passwd')",
  "SELECT * FROM trades TABLESAMPLE 10% UNION ALL FROM '/etc/passwd'",
  "SELECT * FROM (FROM read_text('/etc/passwd')) PIVOT (count(*) FOR size IN (1))",
  // SQL within SQL.
  "SELECT * FROM query('SELECT * FROM trades')",
  "SELECT * FROM query_table('trades')",
  "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
  "SELECT json_serialize_sql('SELECT 1')",
  "SELECT json_serialize_plan('SELECT * FROM trades')",
  "SELECT * FROM sql_auto_complete('SEL')",
  'SELECT * FROM arrow_scan(1, 2, 3)',
  "SELECT * FROM seq_scan('trades')",
  // Settings, other sessions, the catalog: they hold paths.
  "SELECT current_setting('allowed_paths')",
  "SELECT getvariable('x')",
  "SELECT getenv('HOME')",
  'SELECT * FROM duckdb_settings()',
  'SELECT * FROM duckdb_views()',
  'SELECT * FROM duckdb_views',
  'SELECT * FROM duckdb_logs',
  'SELECT * FROM duckdb_secrets()',
  'SELECT * FROM sqlite_master',
  'SELECT * FROM information_schema.tables',
  'SELECT * FROM pg_catalog.pg_class',
  'SELECT * FROM pg_class',
  'SELECT * FROM system.information_schema.tables',
  "SELECT * FROM pragma_table_info('trades')",
  "SELECT * FROM which_secret('x', 's3')",
  'SELECT * FROM enable_logging()',
  "SELECT write_log('x')",
  'SELECT current_query()',
  "SELECT nextval('s')",
  'SELECT pg_get_viewdef(1)',
  'SELECT pg_sleep(1)',
  // Names that pretend.
  'WITH duckdb_views AS (SELECT * FROM duckdb_views) SELECT * FROM duckdb_views',
  'WITH a AS (SELECT * FROM sqlite_master), sqlite_master AS (SELECT 1) SELECT * FROM a',
  'SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT * FROM sqlite_master), sqlite_master',
  'WITH RECURSIVE sqlite_master AS (SELECT name FROM sqlite_master UNION ALL SELECT name FROM sqlite_master) FROM sqlite_master',
  "WITH x AS (SELECT content FROM read_text('/etc/passwd')) SELECT 1",
  "WITH x(a) AS (SELECT content FROM read_text('/etc/passwd')) SELECT 1",
  'WITH x(sqlite_master) AS (SELECT 1) SELECT * FROM x, sqlite_master',
  "WITH RECURSIVE x(a) AS (SELECT '' UNION ALL SELECT content FROM x, read_text('/etc/passwd')) SELECT * FROM x",
  'WITH RECURSIVE sqlite_master(name) AS (SELECT name FROM sqlite_master UNION ALL SELECT name FROM sqlite_master) FROM sqlite_master',
  'SELECT * FROM elsewhere.trades',
  'SELECT * FROM memory.main.trades',
  'SELECT * FROM market_data.sqlite_master',
  'SELECT * FROM trades AT (VERSION => 1)',
  'SELECT elsewhere.sum(1)',
  'SELECT $1',
  'SELECT ?',
  // Only burns time.
  'SELECT sleep_ms(1000)',
];

const PERMITTED: readonly string[] = [
  "SELECT '/etc/passwd' AS path, 'COPY trades TO ''x''; DROP' AS text -- COPY",
  'SELECT 1; -- and no more;',
  'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n',
  'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT * FROM t',
  'WITH RECURSIVE t(n) USING KEY (n) AS (SELECT 1 UNION SELECT n + 1 FROM t WHERE n < 10) SELECT * FROM t',
  'WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL (WITH u(k) AS (SELECT n FROM t) SELECT k + 1 FROM u WHERE k < 5)) FROM t',
  'WITH t(a, b) AS MATERIALIZED (VALUES (1, 2)), u(c) AS (SELECT a + b FROM t) SELECT x.d FROM u AS x(d), trades',
  'WITH quotes AS (SELECT 1 AS x) SELECT x FROM quotes',
  "SELECT [x * 2 FOR x IN [1, 2]], {'a': 1}, MAP {'k': 2}, list_transform([1], lambda x: x + 1)",
  'SELECT symbol, sum(price * 2) OVER (PARTITION BY symbol ORDER BY "timestamp") FROM trades QUALIFY row_number() OVER () = 1',
  "SELECT * FROM trades PIVOT (sum(quantity) FOR side IN ('BUY', 'SELL') GROUP BY symbol)",
  'SELECT i, unnest([1, 2]) FROM range(3) AS r(i), generate_series(1, 2)',
  "SELECT DISTINCT ON (symbol) * EXCLUDE (vendor_data), COLUMNS('pri.*') FROM trades USING SAMPLE 3 ROWS",
  "FROM trades SELECT time_bucket(INTERVAL '1 minute', \"timestamp\"), any_value(CASE WHEN price > 1 THEN 1 END), coalesce(null, 1), try_cast('x' AS INT) GROUP BY ALL",
  'SELECT t.symbol FROM trades t WHERE EXISTS (SELECT 1 FROM trades u WHERE u.symbol = t.symbol AND u.price BETWEEN 1 AND 99999)',
  'VALUES (1), (2)',
  'TABLE trades',
];

describe('user SQL', () => {
  let fixture: Fixture;
  const run = async (text: string) =>
    answerRows(await fixture.engine.ask(sql(text), fixture.plans, { timeoutMs: 20_000 }));

  beforeAll(async () => {
    fixture = await engineOver(plannedRows({ ticks: [placed(tradeBatch({ count: 3 }))] }));
  }, 60_000);
  afterAll(() => fixture.close());

  it.each(FORBIDDEN)('forbids %s', async (text) => {
    await expect(run(text)).rejects.toMatchObject({ kind: 'forbidden-query' });
    expect(existsSync('/tmp/k2-attack.csv')).toBe(false);
  });

  it.each(PERMITTED)('permits %s', async (text) => {
    expect((await run(text)).length).toBeGreaterThan(0);
  });

  it("reads no file but the plan's even where the check of the tree were passed", async () => {
    // What the lock-down alone withstands, without the check before it.
    const { openDatabase } = await import('./engine-database.ts');
    const database = await openDatabase({ mode: 'sql', threads: 1, duckDbMemoryBytesMax: 500_000_000 });
    const scans = fixture.plans.map(({ table, fields, files }) => ({
      table,
      fields,
      paths: files.map(({ key }) => fixture.lake.path(key)),
    }));
    await database.lockDown(scans, undefined);
    for (const text of [
      "SELECT * FROM read_text('/etc/passwd')",
      "COPY trades TO '/tmp/k2-attack.csv'",
      "ATTACH '/tmp/k2-attack.db' AS stolen",
      'SET enable_external_access = true',
      "SET allowed_paths = ['/etc/passwd']",
      'LOAD httpfs',
    ]) {
      await expect(database.connection.run(text)).rejects.toThrow(
        /Permission Error|configuration has been locked|disabled|cannot be (changed|enabled)|Invalid Input Error|IO Error/,
      );
    }
    expect((await database.connection.runAndReadAll('SELECT count(*) FROM trades')).getRows()).toEqual([[3n]]);
    database.close();
    expect(existsSync('/tmp/k2-attack.csv')).toBe(false);
    expect(existsSync('/tmp/k2-attack.db')).toBe(false);
  });

  it('leaves nothing behind for the next query', async () => {
    await expect(run('CREATE TABLE t AS SELECT 1')).rejects.toMatchObject({ kind: 'forbidden-query' });
    expect(await run('SELECT count(*) AS n FROM trades')).toEqual([{ n: 3 }]);
    const [noTrades] = [fixture.plans.filter(({ table }) => table !== 'market_data.trades')];
    await expect(
      fixture.engine.ask(sql('SELECT * FROM trades'), noTrades, { timeoutMs: 20_000 }),
    ).rejects.toMatchObject({ kind: 'invalid-query' });
  });

  it('exports what it selects, and nowhere else', async () => {
    const path = fixture.lake.path("out 'x'.parquet");
    const question = sql('SELECT symbol, price, "timestamp" FROM trades ORDER BY source_sequence DESC; -- COPY', 2);
    expect(await fixture.engine.exportParquet(question, fixture.plans, path, { timeoutMs: 20_000 })).toEqual({
      rowCount: 2,
    });
    expect(await fixture.lake.run(`SELECT *, typeof(price) AS t FROM ${quoted(path)}`)).toEqual([
      { symbol: 'BHP', price: '36.02000000', timestamp: '2014-03-10 00:00:00.002+00', t: 'DECIMAL(19,8)' },
      { symbol: 'BHP', price: '36.01000000', timestamp: '2014-03-10 00:00:00.001+00', t: 'DECIMAL(19,8)' },
    ]);
    const forbidden = fixture.engine.exportParquet(sql("SELECT * FROM '/etc/passwd'"), fixture.plans, path, {
      timeoutMs: 20_000,
    });
    await expect(forbidden).rejects.toMatchObject({ kind: 'forbidden-query' });
  });
});
