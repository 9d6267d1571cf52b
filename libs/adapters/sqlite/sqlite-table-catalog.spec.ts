import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteTableCatalog } from './sqlite-table-catalog.ts';

const clock = { nowUs: () => 1_394_402_400_000_000, monotonicUs: () => 0 };
let lastCommitUs = 0;
const create = (table: string, next: string) => ({
  changeId: `create ${table}`,
  committedUs: ++lastCommitUs,
  tables: [{ table, expected: null, next }],
  progress: [],
  state: new Map(),
});

describe('SqliteTableCatalog beside other engines', () => {
  let path: string;
  let catalog: SqliteTableCatalog;
  let other: DatabaseSync;
  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'k2-catalog-')), 'catalog.db');
    catalog = await SqliteTableCatalog.open({ path, clock });
    other = new DatabaseSync(path);
  });
  afterEach(async () => {
    other.close();
    await catalog.close();
    await rm(join(path, '..'), { recursive: true });
  });

  it('writes the rows that a JDBC catalog and pyiceberg look for', async () => {
    await catalog.apply(create('market.trades', 'file:///a b/1.json'));
    await catalog.apply({
      changeId: 'second',
      committedUs: ++lastCommitUs,
      tables: [
        { table: 'market.trades', expected: 'file:///a b/1.json', next: 'file:///a b/2.json' },
        { table: 'market.quotes', expected: null, next: 'q1' },
      ],
      progress: [],
      state: new Map(),
    });
    const common = { catalog_name: 'k2', table_namespace: 'market', iceberg_type: 'TABLE' };
    expect(
      other
        .prepare('SELECT * FROM iceberg_tables ORDER BY table_name')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([
      { ...common, table_name: 'quotes', metadata_location: 'q1', previous_metadata_location: null },
      {
        ...common,
        table_name: 'trades',
        metadata_location: 'file:///a b/2.json',
        previous_metadata_location: 'file:///a b/1.json',
      },
    ]);
    expect(
      other
        .prepare('SELECT * FROM iceberg_namespace_properties')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([{ catalog_name: 'k2', namespace: 'market', property_key: 'exists', property_value: 'true' }]);
  });

  it('sees a commit of another engine, whose rows have no iceberg_type, and loses to it', async () => {
    await catalog.apply(create('market.trades', 't1'));
    other.exec(
      "UPDATE iceberg_tables SET metadata_location = 't2', iceberg_type = NULL WHERE metadata_location = 't1'",
    );
    const move = { table: 'market.trades', expected: 't1', next: 't3' };
    const change = { changeId: 'late', committedUs: ++lastCommitUs, tables: [move], progress: [], state: new Map() };
    await expect(catalog.apply(change)).rejects.toMatchObject({ kind: 'commit-conflict', context: { current: 't2' } });
    await catalog.apply({ ...change, tables: [{ ...move, expected: 't2' }] });
    expect(await catalog.metadataLocation('market.trades')).toBe('t3');
  });

  it('takes neither views nor tables of other catalogs for its own, and creates no table over a view', async () => {
    other.exec(`INSERT INTO iceberg_tables VALUES ('k2', 'market', 'v', 'v1', NULL, 'VIEW'),
      ('other', 'market', 'trades', 'o1', NULL, 'TABLE')`);
    expect(await catalog.tables()).toEqual(new Map());
    await expect(catalog.apply(create('market.v', 'x'))).rejects.toMatchObject({ kind: 'commit-conflict' });
  });

  it('commits while another engine reads, and waits while it writes', async () => {
    other.exec('BEGIN; SELECT * FROM iceberg_tables');
    await catalog.apply(create('market.trades', 't1'));
    other.exec('COMMIT; BEGIN IMMEDIATE');
    const waiting = catalog.apply(create('market.quotes', 'q1'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec('COMMIT');
    await waiting;
    expect((await catalog.tables()).size).toBe(2);
  });

  it('forgets only changes older than the last 1,000', async () => {
    for (let i = 0; i < 2_100; i++) {
      await catalog.apply({
        changeId: `c${i}`,
        committedUs: ++lastCommitUs,
        tables: [],
        progress: [],
        state: new Map(),
      });
    }
    expect(await catalog.committed('c1100')).toBe(true);
    expect(await catalog.committed('c0')).toBe(false);
    expect(other.prepare('SELECT count(*) AS count FROM k2_changes').get()).toMatchObject({ count: 1_100 });
  }, 60_000);

  it('takes a file over of before states had owners: whichever partition moves one first becomes its owner', async () => {
    const old = join(path, '..', 'old.db');
    const before = new DatabaseSync(old);
    before.exec(`CREATE TABLE k2_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO k2_state VALUES ('a', '1')`);
    before.close();
    const opened = await SqliteTableCatalog.open({ path: old, clock });
    const stored = { value: '1', owner: null };
    expect(await opened.state(['a'])).toEqual(new Map([['a', stored]]));
    const owner = { topic: 't', partition: 0 };
    const [claim] = await opened.claim('w', [{ ...owner, topicId: 'id' }]);
    await opened.apply({
      changeId: 'first',
      committedUs: ++lastCommitUs,
      tables: [],
      progress: [{ claim: claim!, nextOffset: 1 }],
      state: new Map([['a', { value: '2', owner, was: stored }]]),
    });
    expect(await opened.state(['a'])).toEqual(new Map([['a', { value: '2', owner }]]));
    await opened.close();
  });

  it('refuses a file that is no database, naming it', async () => {
    const noDatabase = join(path, '..', 'no.db');
    await writeFile(noDatabase, 'x'.repeat(10_000));
    await expect(SqliteTableCatalog.open({ path: noDatabase, clock })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(noDatabase),
    });
  });
});
