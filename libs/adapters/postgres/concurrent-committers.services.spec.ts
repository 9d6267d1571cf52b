import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isPortError, type CatalogChange, type PartitionClaim, type StateMove } from '@k2/ports';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

const COMMITTERS = 8;
const COMMITS_EACH = 12;
const TABLES = ['market.trades', 'market.quotes', 'audit.sessions', 'market.bars', 'a.z'];
const PARTITIONS = Array.from({ length: 8 }, (_, partition) => ({ topic: 'market.t', topicId: 'id', partition }));
const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);

/** What the committers' changes have in common; the order within each change is by chance. */
interface Overlap {
  readonly partitions?: boolean;
  readonly keys?: boolean;
  /** The same ones all the time, or new ones with each commit, which several create at once. */
  readonly tables?: 'same' | 'new';
}

describe('PostgresTableCatalog under eight concurrent committers', () => {
  let database: TestDatabase;
  const catalogs: PostgresTableCatalog[] = [];
  beforeEach(async () => {
    database = await TestDatabase.create(service('postgres'));
    for (let i = 0; i < COMMITTERS; i++) catalogs.push(await PostgresTableCatalog.open({ url: database.url, clock }));
  });
  afterEach(async () => {
    for (const catalog of catalogs.splice(0)) await catalog.close();
    await database.drop();
  });

  const overlaps: [name: string, overlap: Overlap][] = [
    ['partitions', { partitions: true }],
    ['tables', { tables: 'same' }],
    ['new tables', { tables: 'new' }],
    ['state keys', { keys: true }],
    ['partitions, tables and state keys', { partitions: true, tables: 'same', keys: true }],
  ];
  it.each(overlaps)(
    'commits overlapping %s in any order, each exactly once, without a deadlock',
    async (_, overlap) => {
      const claims = await catalogs[0].claim('all of them', PARTITIONS);
      const moves = new Map<number, number>();
      const movers = new Map<string, string>();

      const commit = async (catalog: PostgresTableCatalog, committer: number, round: number): Promise<void> => {
        const tables = sample(overlap.tables === 'new' ? TABLES.map((table) => `${table}${round}`) : TABLES);
        // States move with a partition: with its own, where committers share none.
        const moved = overlap.partitions ? sample(claims) : overlap.keys ? [claims[committer]] : [];
        for (let attempt = 0; ; attempt++) {
          const changeId = `committer ${committer} round ${round} attempt ${attempt}`;
          const change: CatalogChange = {
            changeId,
            committedUs: ((await catalog.lastCommitUs()) ?? 0) + 1,
            tables: overlap.tables === undefined ? [] : await nextPointers(catalog, tables, changeId),
            progress: await nextMoves(catalog, moved),
            state: overlap.keys ? await someState(catalog, moved, changeId) : new Map(),
          };
          try {
            await catalog.apply(change);
          } catch (error) {
            if (isPortError(error, 'commit-conflict', 'progress-mismatch')) continue;
            throw error;
          }
          for (const { claim } of change.progress) moves.set(claim.partition, (moves.get(claim.partition) ?? 0) + 1);
          for (const { table, next } of change.tables) movers.set(next, table);
          return;
        }
      };
      await Promise.all(
        catalogs.map(async (catalog, committer) => {
          for (let round = 0; round < COMMITS_EACH; round++) await commit(catalog, committer, round);
        }),
      );

      const progress = await catalogs[0].progress();
      expect(progress.map(({ partition, nextOffset }) => [partition, nextOffset])).toEqual(
        PARTITIONS.map(({ partition }) => [partition, moves.get(partition) ?? 0]),
      );
      for (const [table, location] of await catalogs[0].tables()) expect(movers.get(location)).toBe(table);
      expect(await database.query('SELECT count(*)::int FROM k2_changes')).toEqual([
        { count: COMMITTERS * COMMITS_EACH },
      ]);
      expect(await deadlocks()).toEqual([{ deadlocks: 0 }]);
    },
  );

  /** A session reports what it saw of them when it ends. */
  async function deadlocks(): Promise<{ deadlocks: number }[]> {
    for (const catalog of catalogs.splice(0)) await catalog.close();
    await database.until(
      "SELECT count(*) = 0 AS reached FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'k2'",
    );
    return database.query('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()');
  }
});

async function nextMoves(catalog: PostgresTableCatalog, claims: readonly PartitionClaim[]) {
  const stored = new Map((await catalog.progress()).map(({ partition, nextOffset }) => [partition, nextOffset]));
  return claims.map((claim) => {
    const nextOffset = stored.get(claim.partition)!;
    return { claim: { ...claim, nextOffset }, nextOffset: nextOffset + 1 };
  });
}

async function nextPointers(catalog: PostgresTableCatalog, tables: readonly string[], name: string) {
  const stored = await catalog.tables();
  return tables.map((table) => ({ table, expected: stored.get(table) ?? null, next: `${table} by ${name}` }));
}

/** Every third key is removed; those of other partitions are taken over. */
async function someState(catalog: PostgresTableCatalog, moved: readonly PartitionClaim[], value: string) {
  const keys = sample(KEYS);
  const stored = await catalog.state(keys);
  return new Map(
    keys.map((key): [string, StateMove] => {
      const [{ topic, partition }] = sample(moved);
      const found = stored.get(key);
      const isOwn = found?.owner?.partition === partition;
      const was = found === undefined ? 'absent' : isOwn ? 'own' : found;
      return [key, { value: randomInt(3) === 0 ? null : value, owner: { topic, partition }, was }];
    }),
  );
}

/** Some of them, in any order. */
function sample<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: randomInt(1_000_000) }))
    .sort((a, b) => a.order - b.order)
    .slice(0, 1 + randomInt(items.length))
    .map(({ item }) => item);
}
