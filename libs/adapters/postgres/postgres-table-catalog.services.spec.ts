import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CatalogChange, StateMove } from '@k2/ports';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

let commits = 0;
const change = (changeId: string, parts: Partial<CatalogChange> = {}): CatalogChange => ({
  changeId,
  committedUs: ++commits,
  tables: [],
  progress: [],
  state: new Map(),
  ...parts,
});
const create = (table: string, next: string) =>
  change(`create ${table}`, { tables: [{ table, expected: null, next }] });
const topicPartition = { topic: 'market.trades', topicId: 'id-1', partition: 0 };
/** States of the partition, with its move by one offset. */
const withStates = async (
  states: ReadonlyMap<string, string>,
  was: StateMove['was'] = 'absent',
): Promise<Pick<CatalogChange, 'progress' | 'state'>> => {
  const [claim] = await catalog.claim('w', [topicPartition]);
  const { topic, partition } = topicPartition;
  return {
    progress: [{ claim, nextOffset: claim.nextOffset + 1 }],
    state: new Map(Array.from(states, ([key, value]) => [key, { value, owner: { topic, partition }, was }])),
  };
};
const values = async (keys: readonly string[]) =>
  new Map(Array.from(await catalog.state(keys), ([key, { value }]) => [key, value]));

let database: TestDatabase;
let catalog: PostgresTableCatalog;
beforeEach(async () => {
  database = await TestDatabase.create(service('postgres'));
  catalog = await PostgresTableCatalog.open({ url: database.url, clock });
});
afterEach(async () => {
  await catalog.close();
  await database.drop();
});

describe('PostgresTableCatalog beside other engines', () => {
  it('writes the rows that a JDBC catalog and pyiceberg look for', async () => {
    await catalog.apply(create('market.trades', 'file:///a b/1.json'));
    await catalog.apply(
      change('second', {
        tables: [
          { table: 'market.trades', expected: 'file:///a b/1.json', next: 'file:///a b/2.json' },
          { table: 'market.quotes', expected: null, next: 'q1' },
        ],
      }),
    );
    const common = { catalog_name: 'k2', table_namespace: 'market', iceberg_type: 'TABLE' };
    expect(await database.query('SELECT * FROM iceberg_tables ORDER BY table_name')).toEqual([
      { ...common, table_name: 'quotes', metadata_location: 'q1', previous_metadata_location: null },
      {
        ...common,
        table_name: 'trades',
        metadata_location: 'file:///a b/2.json',
        previous_metadata_location: 'file:///a b/1.json',
      },
    ]);
    expect(await database.query('SELECT * FROM iceberg_namespace_properties')).toEqual([
      { catalog_name: 'k2', namespace: 'market', property_key: 'exists', property_value: 'true' },
    ]);
  });

  it('sees a commit of another engine, whose rows have no iceberg_type, and loses to it', async () => {
    await catalog.apply(create('market.trades', 't1'));
    await database.query(
      "UPDATE iceberg_tables SET metadata_location = 't2', iceberg_type = NULL WHERE metadata_location = 't1'",
    );
    const move = { table: 'market.trades', expected: 't1', next: 't3' };
    const refused = catalog.apply(change('late', { tables: [move] }));
    await expect(refused).rejects.toMatchObject({ kind: 'commit-conflict', context: { current: 't2' } });
    await catalog.apply(change('late', { tables: [{ ...move, expected: 't2' }] }));
    expect(await catalog.metadataLocation('market.trades')).toBe('t3');
  });

  it('waits for a commit of another engine that is under way, and loses to it', async () => {
    await catalog.apply(create('market.trades', 't1'));
    await database.query('BEGIN');
    await database.query("UPDATE iceberg_tables SET metadata_location = 't2'");
    const late = catalog.apply(change('late', { tables: [{ table: 'market.trades', expected: 't1', next: 't3' }] }));
    const refused = expect(late).rejects.toMatchObject({ kind: 'commit-conflict', context: { current: 't2' } });
    await database.untilWaiting(1);
    await database.query('COMMIT');
    await refused;
  });

  it('loses a name to another engine that is creating the same table', async () => {
    await database.query('BEGIN');
    await database.query("INSERT INTO iceberg_tables VALUES ('k2', 'market', 'trades', 'theirs', NULL, 'TABLE')");
    const late = catalog.apply(create('market.trades', 'ours'));
    const refused = expect(late).rejects.toMatchObject({ kind: 'commit-conflict', context: { current: 'theirs' } });
    await database.untilWaiting(1);
    await database.query('COMMIT');
    await refused;
  });

  it('takes neither views nor tables of other catalogs for its own, and creates no table over a view', async () => {
    await database.query(`INSERT INTO iceberg_tables VALUES ('k2', 'market', 'v', 'v1', NULL, 'VIEW'),
      ('other', 'market', 'trades', 'o1', NULL, 'TABLE')`);
    expect(await catalog.tables()).toEqual(new Map());
    expect(await catalog.metadataLocation('market.v')).toBeNull();
    await expect(catalog.apply(create('market.v', 'x'))).rejects.toMatchObject({ kind: 'commit-conflict' });
  });

  it('starts again where another engine closed a circle of waiting', async () => {
    await catalog.apply(create('market.trades', 't1'));
    await catalog.apply(change('before', await withStates(new Map([['a', '1']]))));
    const moved = await withStates(new Map([['a', '3']]), 'own');
    // The other side never looks for the deadlock, so the server ends the transaction of K2.
    await database.query("SET deadlock_timeout = '1min'");
    await database.query("BEGIN; UPDATE k2_state SET value = '2'");
    const applied = catalog.apply(
      change('circle', {
        tables: [{ table: 'market.trades', expected: 't1', next: 't2' }],
        ...moved,
      }),
    );
    await database.untilWaiting(1);
    await database.query("UPDATE iceberg_tables SET previous_metadata_location = 'x'");
    await database.query('ROLLBACK');
    await applied;
    expect(await values(['a'])).toEqual(new Map([['a', '3']]));
    expect(await catalog.metadataLocation('market.trades')).toBe('t2');
  });
});

describe('PostgresTableCatalog', () => {
  it('acknowledges no commit before it is on disk, whatever the database says by default', async () => {
    await database.query(`
      CREATE TABLE seen (setting TEXT);
      CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
      CREATE TRIGGER see BEFORE INSERT ON k2_changes FOR EACH ROW EXECUTE FUNCTION see();
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`);
    const other = await PostgresTableCatalog.open({ url: database.url, clock });
    await other.apply(change('a'));
    await database.query(`
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = remote_apply', current_database()); END $$`);
    const third = await PostgresTableCatalog.open({ url: database.url, clock });
    await third.apply(change('b'));
    await other.close();
    await third.close();
    expect(await database.query('SELECT * FROM seen')).toEqual([{ setting: 'on' }, { setting: 'remote_apply' }]);
  });

  it('works where transactions are serializable and read-only by default', async () => {
    await database.query(`DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
        EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
      END $$`);
    const other = await PostgresTableCatalog.open({ url: database.url, clock });
    await other.apply(create('market.trades', 't1'));
    expect(await other.committed('create market.trades')).toBe(true);
    await other.close();
  });

  it('remembers the last 10,000 changes at least, and forgets older ones', async () => {
    await database.query(
      `INSERT INTO k2_changes (change_id, applied_us) SELECT 'c' || i, i FROM generate_series(1, 11999) AS i`,
    );
    await catalog.apply(change('last'));
    expect(await database.query('SELECT count(*)::int AS count FROM k2_changes')).toEqual([{ count: 10_000 }]);
    expect(await catalog.committed('c2001')).toBe(true);
    expect(await catalog.committed('c2000')).toBe(false);
  });

  it('asks for a change without leaving a trace of the question', async () => {
    expect(await catalog.committed('a')).toBe(false);
    expect(await catalog.committed('a')).toBe(false);
    await catalog.apply(create('market.trades', 't1'));
    expect(await database.query('SELECT change_id FROM k2_changes')).toEqual([{ change_id: 'create market.trades' }]);
  });

  it('keeps offsets exactly up to 2^53, and refuses what lies beyond', async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const [claim] = await catalog.claim('w', [topicPartition]);
    await catalog.apply(change('a', { progress: [{ claim, nextOffset: largest }] }));
    expect(await catalog.progress()).toEqual([{ ...topicPartition, nextOffset: largest }]);
    const beyond = { claim: { ...claim, nextOffset: largest }, nextOffset: largest + 1 };
    await expect(catalog.apply(change('b', { progress: [beyond] }))).rejects.toMatchObject({
      kind: 'progress-mismatch',
      message: expect.stringContaining('2^53'),
    });
    await database.query('UPDATE k2_progress SET next_offset = next_offset + 2');
    const refusal = { kind: 'unavailable', retryable: false, message: expect.stringContaining('9007199254740993') };
    await expect(catalog.progress()).rejects.toMatchObject(refusal);
    await expect(catalog.claim('w', [topicPartition])).rejects.toMatchObject(refusal);
  });

  it('says what it cannot store, and stores nothing then', async () => {
    const nul = change('nul', {
      tables: [{ table: 'market.a', expected: null, next: 'a1' }],
      ...(await withStates(new Map([['a', '\0']]))),
    });
    const refused = { kind: 'unavailable', retryable: false, context: { sqlState: '22021' } };
    await expect(catalog.apply(nul)).rejects.toMatchObject(refused);
    const long = create('market.trades', 'x'.repeat(1_001));
    await expect(catalog.apply(long)).rejects.toMatchObject({ ...refused, context: { sqlState: '22001' } });
    await expect(catalog.apply(create('trades', 'x'))).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    expect(await catalog.tables()).toEqual(new Map());
  });

  it('keeps any text as it is', async () => {
    const texts = ['', ' ', '"', "'", '\\', '{}', 'NULL', '🦘', 'ß,ẞ', '\n\t\r', '\\x00', '$1'];
    const state = new Map(texts.map((text) => [`key ${text}`, text]));
    await catalog.apply(change('texts', await withStates(state)));
    expect(await values([...state.keys()])).toEqual(state);
  });

  it('takes a partition twice in one change only where the second move starts at the end of the first', async () => {
    const [claim] = await catalog.claim('w', [topicPartition]);
    const first = { claim, nextOffset: 3 };
    const second = { claim: { ...claim, nextOffset: 3 }, nextOffset: 5 };
    const refused = catalog.apply(change('a', { progress: [second, first] }));
    await expect(refused).rejects.toMatchObject({ kind: 'progress-mismatch' });
    await catalog.apply(change('b', { progress: [first, second] }));
    expect(await catalog.progress()).toEqual([{ ...topicPartition, nextOffset: 5 }]);
  });

  it('takes no table twice in one change', async () => {
    const tables = ['t1', 't2'].map((next) => ({ table: 'market.trades', expected: null, next }));
    const refused = { kind: 'commit-conflict', retryable: false };
    await expect(catalog.apply(change('a', { tables }))).rejects.toMatchObject(refused);
    expect(await catalog.tables()).toEqual(new Map());
  });
});
