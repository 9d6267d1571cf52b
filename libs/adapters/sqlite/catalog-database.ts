import type { DatabaseSync } from 'node:sqlite';
import type {
  CatalogChange,
  PartitionClaim,
  PartitionProgress,
  StateMove,
  StoredState,
  TopicPartition,
} from '@k2/ports';
import {
  assertClaimHolds,
  assertOwnersMove,
  assertSameTopic,
  assertStateIsAsRead,
  type ProgressRow,
} from './catalog-rules.ts';
import { Refusal } from './refusal.ts';
import { inTransaction, openDatabase } from './sqlite-database.ts';
import type { Reply } from './sqlite-protocol.ts';

export type CatalogDatabase = ReturnType<typeof openCatalogDatabase>;

/** Must be the same in every engine that opens these tables. */
const CATALOG_NAME = 'k2';
/** Changes remembered at least; twice as many at most. */
const CHANGES_KEPT = 1_000;

/** The first two as Apache Iceberg's JdbcUtil (schema V1) and pyiceberg's SqlCatalog have them. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
  );
  CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
  );
  CREATE TABLE IF NOT EXISTS k2_progress (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    topic_id TEXT NOT NULL,
    next_offset INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    writer TEXT NOT NULL,
    PRIMARY KEY (topic, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS k2_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    topic TEXT,
    partition INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS k2_last_commit (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    committed_us INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS k2_changes (
    change_id TEXT NOT NULL UNIQUE,
    applied_us INTEGER NOT NULL
  ) STRICT;`;

const IS_TABLE = "(iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

interface StateRow {
  readonly value: string;
  readonly topic: string | null;
  readonly partition: number;
}

/** The catalog's database program. Other engines may read the file, and commit to tables, at the same time. */
export function openCatalogDatabase(path: string) {
  const db = openDatabase(path, { pageBytes: 4_096, exclusive: false, schema: SCHEMA });
  addOwnersOfStates(db);
  const selectProgress = db.prepare(
    'SELECT topic_id AS topicId, next_offset AS nextOffset, epoch FROM k2_progress WHERE topic = ? AND partition = ?',
  );
  const selectChange = db.prepare('SELECT 1 FROM k2_changes WHERE change_id = ?');
  const selectLocation = db.prepare(
    `SELECT metadata_location AS location FROM iceberg_tables
     WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND ${IS_TABLE}`,
  );
  const progressOf = ({ topic, partition }: TopicPartition) =>
    selectProgress.get(topic, partition) as unknown as ProgressRow | undefined;
  const locationOf = (table: string) =>
    (selectLocation.get(CATALOG_NAME, ...splitName(table)) as { location: string | null } | undefined)?.location ??
    null;
  const selectState = db.prepare('SELECT value, topic, partition FROM k2_state WHERE key = ?');
  const stateOf = (key: string): StoredState | undefined => {
    const row = selectState.get(key) as unknown as StateRow | undefined;
    if (row === undefined) return undefined;
    const { value, topic, partition } = row;
    return { value, owner: topic === null ? null : { topic, partition } };
  };
  const putState = db.prepare('INSERT OR REPLACE INTO k2_state (key, value, topic, partition) VALUES (?, ?, ?, ?)');
  const removeState = db.prepare('DELETE FROM k2_state WHERE key = ?');
  const selectLastCommit = db.prepare('SELECT committed_us AS committedUs FROM k2_last_commit');
  const lastCommitUs = () =>
    (selectLastCommit.get() as { readonly committedUs: number } | undefined)?.committedUs ?? null;
  const isApplied = (changeId: string) => selectChange.get(changeId) !== undefined;

  const movePointer = ({ table, expected, next }: CatalogChange['tables'][number]): void => {
    const [namespace, name] = splitName(table);
    const { changes } =
      expected === null
        ? db
            .prepare(
              `INSERT OR IGNORE INTO iceberg_tables
                 (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
               VALUES (?, ?, ?, ?, NULL, 'TABLE')`,
            )
            .run(CATALOG_NAME, namespace, name, next)
        : db
            .prepare(
              `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
               WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ? AND ${IS_TABLE}`,
            )
            .run(next, expected, CATALOG_NAME, namespace, name, expected);
    if (changes !== 1) throw conflict(table, expected, locationOf(table));
    if (expected !== null) return;
    db.prepare('INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, ?, ?)').run(
      CATALOG_NAME,
      namespace,
      'exists',
      'true',
    );
  };

  const moveProgress = ({ claim, nextOffset }: CatalogChange['progress'][number]): void => {
    assertClaimHolds(claim, nextOffset, progressOf(claim));
    db.prepare('UPDATE k2_progress SET next_offset = ? WHERE topic = ? AND partition = ?').run(
      nextOffset,
      claim.topic,
      claim.partition,
    );
  };

  const moveState = (key: string, move: StateMove): void => {
    assertStateIsAsRead(key, move, stateOf(key));
    const { value, owner } = move;
    if (value === null) removeState.run(key);
    else putState.run(key, value, owner.topic, owner.partition);
  };

  const moveCommitTime = (committedUs: number): void => {
    const last = lastCommitUs();
    if (last !== null && committedUs <= last) {
      const message = `a commit of ${committedUs} µs came after one of ${last} µs: take a later time and try again`;
      throw new Refusal('commit-conflict', message, { committedUs, lastCommitUs: last }, true);
    }
    db.prepare('INSERT OR REPLACE INTO k2_last_commit (only_row, committed_us) VALUES (1, ?)').run(committedUs);
  };

  return {
    tables(): Reply<[table: string, location: string][]> {
      const rows = db
        .prepare(
          `SELECT table_namespace || '.' || table_name AS name, metadata_location AS location FROM iceberg_tables
           WHERE catalog_name = ? AND metadata_location IS NOT NULL AND ${IS_TABLE} ORDER BY name`,
        )
        .all(CATALOG_NAME) as { name: string; location: string }[];
      return { value: rows.map(({ name, location }) => [name, location]) };
    },

    metadataLocation(table: string): Reply<string | null> {
      return { value: locationOf(table) };
    },

    lastCommitUs(): Reply<number | null> {
      return { value: lastCommitUs() };
    },

    /** Claims come first: a fenced writer learns that it is fenced, not that it should re-base and try again. */
    apply({ changeId, committedUs, tables, progress, state }: CatalogChange, appliedUs: number): Reply<null> {
      inTransaction(db, () => {
        if (isApplied(changeId)) return;
        progress.forEach(moveProgress);
        tables.forEach(movePointer);
        moveCommitTime(committedUs);
        assertOwnersMove(progress, state);
        for (const [key, move] of state) moveState(key, move);
        const added = db
          .prepare('INSERT INTO k2_changes (change_id, applied_us) VALUES (?, ?)')
          .run(changeId, appliedUs);
        const sequence = Number(added.lastInsertRowid);
        if (sequence % CHANGES_KEPT === 0)
          db.prepare('DELETE FROM k2_changes WHERE rowid <= ?').run(sequence - CHANGES_KEPT);
      });
      return { value: null };
    },

    committed(changeId: string): Reply<boolean> {
      return { value: isApplied(changeId) };
    },

    claim(
      writer: string,
      partitions: readonly (TopicPartition & { readonly topicId: string })[],
    ): Reply<PartitionClaim[]> {
      const put = db.prepare(
        'INSERT OR REPLACE INTO k2_progress (topic, partition, topic_id, next_offset, epoch, writer) VALUES (?, ?, ?, ?, ?, ?)',
      );
      const claims = inTransaction(db, () =>
        partitions.map(({ topic, partition, topicId }) => {
          const stored = progressOf({ topic, partition });
          assertSameTopic({ topic, partition, topicId }, stored);
          const nextOffset = stored?.nextOffset ?? 0;
          const epoch = (stored?.epoch ?? 0) + 1;
          put.run(topic, partition, topicId, nextOffset, epoch, writer);
          return { topic, partition, topicId, nextOffset, epoch };
        }),
      );
      return { value: claims };
    },

    progress(): Reply<PartitionProgress[]> {
      const rows = db
        .prepare(
          'SELECT topic, partition, topic_id AS topicId, next_offset AS nextOffset FROM k2_progress ORDER BY topic, partition',
        )
        .all();
      return { value: rows.map((row) => ({ ...row })) as unknown as PartitionProgress[] };
    },

    state(keys: readonly string[]): Reply<[key: string, state: StoredState][]> {
      const found = keys.map((key): [string, StoredState | undefined] => [key, stateOf(key)]);
      return { value: found.filter((entry): entry is [string, StoredState] => entry[1] !== undefined) };
    },

    close(): Reply<null> {
      db.close();
      return { value: null };
    },
  };
}

/** Adds the columns to a file that is older than owners of states; its states belong to no partition yet. */
function addOwnersOfStates(db: DatabaseSync): void {
  inTransaction(db, () => {
    const columns = db.prepare("SELECT 1 FROM pragma_table_info('k2_state') WHERE name = 'topic'").all();
    if (columns.length > 0) return;
    db.exec('ALTER TABLE k2_state ADD COLUMN topic TEXT; ALTER TABLE k2_state ADD COLUMN partition INTEGER');
  });
}

/** `namespace.table`; a namespace may itself hold dots. */
function splitName(table: string): [namespace: string, name: string] {
  const dot = table.lastIndexOf('.');
  if (dot < 1 || dot === table.length - 1) {
    throw new Refusal('unavailable', `${JSON.stringify(table)} is not a table name: expected namespace.table`, {
      table,
    });
  }
  return [table.slice(0, dot), table.slice(dot + 1)];
}

function conflict(table: string, expected: string | null, current: string | null): Refusal {
  const message = `table ${table} is at ${current ?? 'no metadata'}, not at the expected ${expected ?? 'no metadata'}: re-base and try again`;
  return new Refusal('commit-conflict', message, { table, expected, current }, true);
}
