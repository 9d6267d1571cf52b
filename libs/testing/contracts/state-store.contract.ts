import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StateStore } from '@k2/ports';

export interface StateStoreHarness {
  readonly store: StateStore;
  /** A second store over the same values, as another process would open it. */
  another(): Promise<StateStore>;
  close(): Promise<void>;
}

/** The bound of a value in the stores that the contract asks for. */
export const STATE_VALUE_BYTES_MAX = 100_000;

/** What every StateStore does, whatever it is made of. `create` gives an empty store each time. */
export function stateStoreContract(name: string, { create }: { create(): Promise<StateStoreHarness> }): void {
  describe(`StateStore: ${name}`, () => {
    let harness: StateStoreHarness;
    let store: StateStore;
    beforeEach(async () => {
      harness = await create();
      store = harness.store;
    });
    afterEach(() => harness.close());

    const put = (entries: Readonly<Record<string, string | null>>) => store.put(new Map(Object.entries(entries)));
    const get = async (...keys: string[]) => Object.fromEntries(await store.get(keys));

    it('1 gives back what was put, and leaves out what was not', async () => {
      expect(await get('a', 'b')).toEqual({});
      await put({ a: '1', b: '2' });
      expect(await get('a', 'b', 'c')).toEqual({ a: '1', b: '2' });
      expect(await get('b')).toEqual({ b: '2' });
    });

    it('2 replaces and removes, in one put', async () => {
      await put({ a: '1', b: '2', c: '3' });
      await put({ a: 'new', b: null, never: null });
      expect(await get('a', 'b', 'c', 'never')).toEqual({ a: 'new', c: '3' });
    });

    it('3 takes no keys, no entries, and a key many times', async () => {
      await put({});
      await put({ a: '1' });
      expect(await get()).toEqual({});
      expect(await get('a', 'a')).toEqual({ a: '1' });
    });

    it('4 keeps any text under any key', async () => {
      const texts = ['', ' ', '{"a":1}', 'A%2FB/\u{1F600}/\uFFFD', 'line\r\nbreak', 'nul\0nul', '*', '__proto__'];
      const entries = new Map(texts.map((text, i) => [text, texts[(i + 1) % texts.length]]));
      await store.put(entries);
      expect(await store.get(texts)).toEqual(entries);
    });

    it('5 takes thousands in one put', async () => {
      const entries = new Map(Array.from({ length: 5_000 }, (_, i) => [`series/${i}`, `{"next":${i}}`]));
      await store.put(entries);
      expect(await store.get([...entries.keys()])).toEqual(entries);
    });

    it('6 takes a value of as many bytes as are allowed, and none beyond; then nothing is put', async () => {
      const largest = 'é'.repeat(STATE_VALUE_BYTES_MAX / 2);
      await put({ a: largest });
      expect(await get('a')).toEqual({ a: largest });
      await expect(put({ b: '1', a: `${largest}x`, c: '2' })).rejects.toMatchObject({
        kind: 'too-large',
        retryable: false,
        context: { key: 'a', bytesMax: STATE_VALUE_BYTES_MAX },
      });
      expect(await get('a', 'b', 'c')).toEqual({ a: largest });
    });

    it('7 shows all of a put or nothing to those who read beside it', async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
      const other = await harness.another();
      const writing = (async () => {
        for (let version = 0; version < 40; version++) {
          await store.put(new Map(keys.map((key) => [key, String(version)])));
        }
      })();
      for (let reads = 0; reads < 40; reads++) {
        const values = [...(await other.get(keys)).values()];
        expect([0, keys.length]).toContain(values.length);
        expect(new Set(values).size).toBeLessThanOrEqual(1);
      }
      await writing;
    });

    it('8 shows everything to another process', async () => {
      await put({ a: '1', b: '2' });
      const other = await harness.another();
      await other.put(new Map([['a', null]]));
      expect(await get('a', 'b')).toEqual({ b: '2' });
    });

    it('9 is closed once it was closed', async () => {
      await store.close();
      await store.close();
      await expect(store.get(['a'])).rejects.toMatchObject({ kind: 'closed' });
      await expect(put({ a: '1' })).rejects.toMatchObject({ kind: 'closed' });
    });
  });
}
