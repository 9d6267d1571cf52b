import { describe, expect, it } from '@jest/globals';
import {
  DEDUP_WINDOW_MS,
  STATE_VALUE_BYTES_MAX,
  dedupStoreContract,
  schemaRegistryContract,
  stateStoreContract,
} from '@k2/testing/contracts';
import { ManualClock } from './manual-time.ts';
import { MemoryDedupStore } from './memory-dedup-store.ts';
import { MemorySchemaRegistry } from './memory-schema-registry.ts';
import { MemoryStateStore } from './memory-state-store.ts';

let subjects = 0;

schemaRegistryContract('memory', {
  create: async () => {
    const registry = new MemorySchemaRegistry();
    return {
      registry,
      another: async () => registry,
      newSubject: () => `subject-${++subjects}`,
      close: () => registry.close(),
    };
  },
});

dedupStoreContract('memory', {
  capabilities: { shared: true, manualTime: true },
  create: async () => {
    const clock = new ManualClock();
    const store = new MemoryDedupStore({ clock, windowMs: DEDUP_WINDOW_MS });
    return {
      store,
      another: async () => store,
      passMs: (ms) => clock.advanceUs(ms * 1_000),
      close: () => store.close(),
    };
  },
});

stateStoreContract('memory', {
  create: async () => {
    const store = new MemoryStateStore({ valueBytesMax: STATE_VALUE_BYTES_MAX });
    return { store, another: async () => store, close: () => store.close() };
  },
});

describe('bounds of the memory stores', () => {
  it('forgets ids remembered longest ago first, early where there are too many and in time where not', async () => {
    const clock = new ManualClock();
    const store = new MemoryDedupStore({ clock, windowMs: 1_000, idsMax: 3 });
    await store.remember(['a', 'b', 'c']);
    await store.remember(['a', 'd']);
    expect([...(await store.seen(['a', 'b', 'c', 'd']))]).toEqual([1, 0, 1, 1]);
    clock.advanceUs(1_000_000);
    await store.remember(['e']);
    expect(store.size).toBe(1);
  });

  it('drops the values put longest ago', async () => {
    const store = new MemoryStateStore({ entriesMax: 2 });
    await store.put(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    await store.put(
      new Map([
        ['a', '3'],
        ['c', '4'],
      ]),
    );
    expect(await store.get(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', '3'],
        ['c', '4'],
      ]),
    );
  });

  it('refuses schemas beyond its bound, not those that it has', async () => {
    const registry = new MemorySchemaRegistry({ schemasMax: 1 });
    const id = await registry.register('a', '"long"');
    expect(await registry.register('b', '"long"')).toBe(id);
    await expect(registry.register('a', '"string"')).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
