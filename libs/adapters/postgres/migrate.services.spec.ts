import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

/** As pyiceberg before its views, and JdbcUtil's schema V0, leave it: without `iceberg_type`. */
const OLD_CATALOG = `
  CREATE TABLE iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
  );
  CREATE TABLE iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
  );
  INSERT INTO iceberg_tables VALUES ('k2', 'market', 'trades', 't1', NULL);
  INSERT INTO iceberg_namespace_properties VALUES ('k2', 'market', 'exists', 'true');`;

describe('migrations', () => {
  let commits = 0;
  let database: TestDatabase;
  const catalogs: PostgresTableCatalog[] = [];
  const open = async (url = database.url) => {
    const catalog = await PostgresTableCatalog.open({ url, clock });
    catalogs.push(catalog);
    return catalog;
  };
  const apply = (catalog: PostgresTableCatalog, table: string, expected: string | null, next: string) =>
    catalog.apply({
      changeId: randomUUID(),
      committedUs: ++commits,
      tables: [{ table, expected, next }],
      progress: [],
      state: new Map(),
    });
  const urlOf = (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };
  beforeEach(async () => {
    database = await TestDatabase.create(service('postgres'));
  });
  afterEach(async () => {
    for (const catalog of catalogs.splice(0)) await catalog.close();
    await database.drop();
  });

  it('creates the columns that other engines and K2 expect', async () => {
    await open();
    const columns = await database.query<{ name: string }>(
      `SELECT table_name || '.' || column_name || ' ' || data_type
         || coalesce('(' || character_maximum_length || ')', '')
         || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS name
       FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`,
    );
    expect(columns.map(({ name }) => name)).toEqual([
      'iceberg_namespace_properties.catalog_name character varying(255) not null',
      'iceberg_namespace_properties.namespace character varying(255) not null',
      'iceberg_namespace_properties.property_key character varying(255) not null',
      'iceberg_namespace_properties.property_value character varying(1000)',
      'iceberg_tables.catalog_name character varying(255) not null',
      'iceberg_tables.table_namespace character varying(255) not null',
      'iceberg_tables.table_name character varying(255) not null',
      'iceberg_tables.metadata_location character varying(1000)',
      'iceberg_tables.previous_metadata_location character varying(1000)',
      'iceberg_tables.iceberg_type character varying(5)',
      'k2_changes.sequence bigint not null',
      'k2_changes.change_id text not null',
      'k2_changes.applied_us bigint not null',
      'k2_last_commit.only_row boolean not null',
      'k2_last_commit.committed_us bigint not null',
      'k2_migrations.version integer not null',
      'k2_migrations.name text not null',
      'k2_migrations.applied_us bigint not null',
      'k2_progress.topic text not null',
      'k2_progress.partition integer not null',
      'k2_progress.topic_id text not null',
      'k2_progress.next_offset bigint not null',
      'k2_progress.epoch bigint not null',
      'k2_progress.writer text not null',
      'k2_state.key text not null',
      'k2_state.value text not null',
      'k2_state.topic text',
      'k2_state.partition integer',
    ]);
    const keys = await database.query(
      `SELECT conrelid::regclass::text AS table, pg_get_constraintdef(oid) AS key FROM pg_constraint
       WHERE contype = 'p' AND conrelid::regclass::text LIKE 'iceberg%' ORDER BY 1`,
    );
    expect(keys).toEqual([
      { table: 'iceberg_namespace_properties', key: 'PRIMARY KEY (catalog_name, namespace, property_key)' },
      { table: 'iceberg_tables', key: 'PRIMARY KEY (catalog_name, table_namespace, table_name)' },
    ]);
  });

  it('run once where many processes start at the same time', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => open()));
    expect(await database.query('SELECT version FROM k2_migrations')).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
    ]);
    await apply(opened[0], 'market.trades', null, 't1');
    for (const catalog of opened) expect(await catalog.metadataLocation('market.trades')).toBe('t1');
  });

  it('adopt the catalog of an engine that was there first', async () => {
    await database.query(OLD_CATALOG);
    const catalog = await open();
    expect(await catalog.tables()).toEqual(new Map([['market.trades', 't1']]));
    await apply(catalog, 'market.trades', 't1', 't2');
    await apply(catalog, 'market.quotes', null, 'q1');
    expect(await database.query('SELECT table_name, iceberg_type FROM iceberg_tables ORDER BY table_name')).toEqual([
      { table_name: 'quotes', iceberg_type: 'TABLE' },
      { table_name: 'trades', iceberg_type: null },
    ]);
  });

  it('refuse a database in which a newer K2 has been', async () => {
    await open();
    await database.query("INSERT INTO k2_migrations VALUES (99, 'of tomorrow', 0)");
    await expect(open()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringMatching(/version 99 of a newer K2.*run the newer K2/),
    });
  });

  it('leave nothing behind where one of them fails', async () => {
    await database.query('CREATE TABLE k2_state (another INT)');
    await expect(open()).rejects.toMatchObject({ kind: 'unavailable', context: { sqlState: '42P07' } });
    const tables = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    expect(tables).toEqual([{ tablename: 'k2_state' }]);
  });

  it('keep two catalogs of one database apart by their schemas', async () => {
    await database.query('CREATE SCHEMA a; CREATE SCHEMA b');
    const inSchema = (schema: string) =>
      open(urlOf((url) => url.searchParams.set('options', `-c search_path=${schema}`)));
    const [a, b] = [await inSchema('a'), await inSchema('b')];
    await apply(a, 'market.trades', null, 't1');
    expect([(await a.tables()).size, (await b.tables()).size]).toEqual([1, 0]);
    await expect(inSchema('missing')).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('create the schema first'),
    });
  });

  it('need no more rights than to use the tables, once those are there', async () => {
    const role = `k2_test_${randomUUID().replaceAll('-', '')}`;
    await open();
    await database.query(`CREATE ROLE ${role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    try {
      const asRole = urlOf((url) => (url.username = role));
      await expect(open(asRole)).rejects.toMatchObject({ retryable: false, context: { sqlState: '42501' } });
      await database.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
      const catalog = await open(asRole);
      await apply(catalog, 'market.trades', null, 't1');
      await catalog.claim('w', [{ topic: 't', topicId: 'id', partition: 0 }]);
    } finally {
      for (const catalog of catalogs.splice(0)) await catalog.close();
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('refuse a database that cannot hold every text', async () => {
    const latin = await TestDatabase.create(service('postgres'), "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
    try {
      await expect(open(latin.url)).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining('encoding UTF8'),
      });
    } finally {
      await latin.drop();
    }
  });
});
