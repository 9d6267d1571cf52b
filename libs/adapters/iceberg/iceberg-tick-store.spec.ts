import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RECORD_SCHEMAS, TRADES_SCHEMA, type RecordField } from '@k2/domain/market';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { LruCache } from './lru-cache.ts';
import { TestLake } from './test-support/lake.ts';

describe('IcebergTickStore', () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await TestLake.create();
  });
  afterEach(() => lake.close());

  it('refuses a table that lacks a field which this version writes, before any row is lost to it', async () => {
    const store = lake.open();
    await store.ensureTables([TRADES_SCHEMA]);
    const newer: RecordField = { id: 19, name: 'liquidity', type: 'string', required: false, doc: 'Maker or taker.' };
    const evolved = { ...TRADES_SCHEMA, fields: [...TRADES_SCHEMA.fields, newer] };
    await expect(store.ensureTables([evolved])).rejects.toMatchObject({
      kind: 'invalid-schema-change',
      context: { fieldId: 19 },
    });
    await store.evolve('market_data.trades', [{ kind: 'add', name: 'liquidity', type: 'string' }]);
    await store.ensureTables([evolved]);
  });

  it('plans the newest snapshot with the columns of now, and says what it has of its own where they differ', async () => {
    const store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    const commit = async () =>
      store.commit(await store.stage(plannedRows({ ticks: [placed(tradeBatch())] })), {
        partitions: [],
        state: new Map(),
      });
    const planned = () => store.plan({ table: 'market_data.trades', asOf: { kind: 'latest' } });
    await commit();
    expect(await planned()).not.toHaveProperty('snapshotFields');
    await store.evolve('market_data.trades', [{ kind: 'rename', name: 'currency', to: 'quote_currency' }]);
    const { fields, snapshotFields } = await planned();
    const idOf = (name: string, among = fields) => among.find((field) => field.name === name)?.id;
    expect(idOf('quote_currency')).toBe(idOf('currency', snapshotFields));
    await commit();
    expect(await planned()).not.toHaveProperty('snapshotFields');
  });

  it('creates a table once when two stores want it at the same time', async () => {
    const stores = [lake.open(), lake.open()];
    await Promise.all(stores.map((store) => store.ensureTables(RECORD_SCHEMAS)));
    expect(await stores[0].stats()).toEqual(await stores[1].stats());
    expect(await stores[0].stats()).toHaveLength(RECORD_SCHEMAS.length);
  });

  it('leaves nothing in its temporary directory, also of stages that failed', async () => {
    const store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    const rows = () => plannedRows({ ticks: [placed(tradeBatch())] });
    await store.stage(rows());
    lake.objects.putFileIfAbsent = async () => Promise.reject(new Error('the disk is full'));
    await expect(store.stage(rows())).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(await lake.temporaryFiles()).toEqual([]);
  });

  it('does nothing once closed', async () => {
    const store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    await store.close();
    await expect(store.stage(plannedRows())).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    await expect(store.stats()).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('the cache of metadata', () => {
  it('is bounded by weight and forgets what was used longest ago', () => {
    const cache = new LruCache<string>(10);
    cache.set('a', 'A', 4);
    cache.set('b', 'B', 4);
    cache.get('a');
    cache.set('c', 'C', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
    cache.set('huge', 'H', 11);
    expect([cache.get('a'), cache.get('c'), cache.get('huge')]).toEqual(['A', 'C', undefined]);
  });
});
