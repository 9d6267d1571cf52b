import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '@k2/ports';

export interface ObjectStoreHarness {
  readonly store: ObjectStore;
  /** A new local file that the store can take over. */
  writeFile(content: Uint8Array): Promise<string>;
  readFile(path: string): Promise<Uint8Array>;
  /** A second store over the same objects, as another process would open it; a durable store finds all there. */
  another(): Promise<ObjectStore>;
  close(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

/** What every ObjectStore does, whatever it is made of. `create` gives an empty store each time. */
export function objectStoreContract(name: string, { create }: { create(): Promise<ObjectStoreHarness> }): void {
  describe(`ObjectStore: ${name}`, () => {
    let harness: ObjectStoreHarness;
    let store: ObjectStore;
    beforeEach(async () => {
      harness = await create();
      store = harness.store;
    });
    afterEach(() => harness.close());

    const keys = async (prefix: string) => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    };

    it('1 gives back what was put, whole or by range', async () => {
      await store.putIfAbsent('market/trades/data/a.parquet', bytes('0123456789'));
      expect(text(await store.get('market/trades/data/a.parquet'))).toBe('0123456789');
      expect(text(await store.get('market/trades/data/a.parquet', { start: 3, length: 4 }))).toBe('3456');
      expect(text(await store.get('market/trades/data/a.parquet', { start: 9, length: 1 }))).toBe('9');
    });

    it('2 keeps empty objects and objects of several MB', async () => {
      const large = Uint8Array.from({ length: 3 << 20 }, (_, i) => i * 31);
      await store.putIfAbsent('empty', new Uint8Array(0));
      await store.putIfAbsent('large', large);
      expect(await store.get('empty')).toHaveLength(0);
      expect(Buffer.compare(await store.get('large'), large)).toBe(0);
    });

    it('3 refuses a range outside the object', async () => {
      await store.putIfAbsent('a', bytes('0123456789'));
      for (const range of [
        { start: 8, length: 3 },
        { start: 11, length: 1 },
        { start: -1, length: 2 },
      ]) {
        await expect(store.get('a', range)).rejects.toMatchObject({ kind: 'out-of-range' });
      }
    });

    it('4 says not-found for what is not there, also for the beginning of a key', async () => {
      await store.putIfAbsent('a/b/c', bytes('x'));
      for (const key of ['a', 'a/b', 'a/b/c/d', 'b']) {
        await expect(store.get(key)).rejects.toMatchObject({ kind: 'not-found', context: { key } });
        await expect(store.localFile(key)).rejects.toMatchObject({ kind: 'not-found' });
      }
    });

    it('5 takes equal content twice, and never overwrites', async () => {
      await store.putIfAbsent('a', bytes('first'));
      await store.putIfAbsent('a', bytes('first'));
      await expect(store.putIfAbsent('a', bytes('other'))).rejects.toMatchObject({
        kind: 'already-exists',
        context: { key: 'a' },
      });
      await expect(store.putIfAbsent('a', bytes('firs!'))).rejects.toMatchObject({ kind: 'already-exists' });
      expect(text(await store.get('a'))).toBe('first');
    });

    it('6 lets one of twenty racing puts win, and the others know', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => store.putIfAbsent('race/pointer', bytes(`writer ${i}`))),
      );
      const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(text(await store.get('race/pointer'))).toBe(`writer ${winners[0]}`);
      const losses = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
      for (const loss of losses) expect(loss).toMatchObject({ kind: 'already-exists' });
    });

    it('7 lets all of twenty racing puts of equal content succeed', async () => {
      await Promise.all(Array.from({ length: 20 }, () => store.putIfAbsent('race/same', bytes('same'))));
      expect(text(await store.get('race/same'))).toBe('same');
      expect(await keys('')).toEqual(['race/same']);
    });

    it('8 takes a local file over, under the same rules', async () => {
      const put = async (content: string) =>
        store.putFileIfAbsent('data/f.parquet', await harness.writeFile(bytes(content)));
      expect(await put('rows')).toEqual({ sizeBytes: 4 });
      expect(await put('rows')).toEqual({ sizeBytes: 4 });
      await expect(put('rowz')).rejects.toMatchObject({ kind: 'already-exists' });
      expect(text(await store.get('data/f.parquet'))).toBe('rows');
    });

    it('9 lists keys with the prefix in key order, whatever the order of puts', async () => {
      const all = ['a-b/x', 'a.b', 'a/b', 'a/b.c', 'a/b-c/d', 'a/c/d/e', 'a0', 'aa/b', 'b/=/x', 'B'];
      for (const key of [...all].reverse()) await store.putIfAbsent(key, bytes(key));
      expect(await keys('')).toEqual([...all].sort());
      expect(await keys('a/')).toEqual(['a/b', 'a/b-c/d', 'a/b.c', 'a/c/d/e']);
      expect(await keys('a/b')).toEqual(['a/b', 'a/b-c/d', 'a/b.c']);
      expect(await keys('a/c/d/e')).toEqual(['a/c/d/e']);
      expect(await keys('nothing/here')).toEqual([]);
    });

    it('10 lists more keys than one page of a remote store, with size and time', async () => {
      const all = Array.from({ length: 1_100 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < all.length; i += 50) {
        await Promise.all(all.slice(i, i + 50).map((key) => store.putIfAbsent(key, bytes('12345'))));
      }
      const found = [];
      for await (const object of store.list('many/')) found.push(object);
      expect(found.map(({ key }) => key)).toEqual(all);
      expect(found.every(({ sizeBytes }) => sizeBytes === 5)).toBe(true);
      expect(found.every(({ modifiedUs }) => Number.isSafeInteger(modifiedUs))).toBe(true);
    }, 30_000);

    it('11 deletes, also what is not there, and the key is free again', async () => {
      await store.putIfAbsent('a/b', bytes('one'));
      await store.delete('a/b');
      await store.delete('a/b');
      await store.delete('never/was');
      await expect(store.get('a/b')).rejects.toMatchObject({ kind: 'not-found' });
      expect(await keys('')).toEqual([]);
      await store.putIfAbsent('a/b', bytes('two'));
      expect(text(await store.get('a/b'))).toBe('two');
    });

    it('12 refuses keys that are empty, absolute or leave the store', async () => {
      for (const key of ['', '/a', 'a/', 'a//b', '..', '../a', 'a/../b', './a', 'a\\b', 'a b', 'a%2Fb', 'ä']) {
        await expect(store.putIfAbsent(key, bytes('x'))).rejects.toMatchObject({ kind: 'invalid-key' });
        await expect(store.get(key)).rejects.toMatchObject({ kind: 'invalid-key' });
        await expect(store.delete(key)).rejects.toMatchObject({ kind: 'invalid-key' });
        expect(() => store.uri(key)).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
      }
    });

    it('13 maps keys to URIs and back, and refuses URIs of other stores', () => {
      const uri = store.uri('market/trades/day=2014-03-10/a.parquet');
      expect(uri).toMatch(/^[a-z0-9]+:\/\/.*\/market\/trades\/day=2014-03-10\/a\.parquet$/);
      expect(store.key(uri)).toBe('market/trades/day=2014-03-10/a.parquet');
      for (const other of ['elsewhere://x/a', 'market/trades', '', uri.replace('market/trades', '../market')]) {
        expect(() => store.key(other)).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
      }
    });

    it('14 gives an object as a local file until it is released', async () => {
      await store.putIfAbsent('data/f.parquet', bytes('rows'));
      const local = await store.localFile('data/f.parquet');
      expect(text(await harness.readFile(local.path))).toBe('rows');
      local.release();
      local.release();
      expect(text(await store.get('data/f.parquet'))).toBe('rows');
    });

    it('15 shows everything to another store over the same objects', async () => {
      await store.putIfAbsent('a/b', bytes('one'));
      const other = await harness.another();
      expect(text(await other.get('a/b'))).toBe('one');
      await expect(other.putIfAbsent('a/b', bytes('two'))).rejects.toMatchObject({ kind: 'already-exists' });
    });

    it('16 keeps what it was given although the caller reuses the buffer', async () => {
      const content = bytes('before');
      await store.putIfAbsent('a', content);
      content.fill(0);
      const got = await store.get('a');
      got.fill(0);
      expect(text(await store.get('a'))).toBe('before');
    });

    it('17 gives no local file to a caller who has left, and one to the next', async () => {
      await store.putIfAbsent('data/f.parquet', bytes('rows'));
      const left = new Error('the caller has left');
      await expect(store.localFile('data/f.parquet', AbortSignal.abort(left))).rejects.toBe(left);
      const leaving = new AbortController();
      const asked = store.localFile('data/f.parquet', leaving.signal);
      leaving.abort(left);
      // It may have been there already.
      const [outcome] = await Promise.allSettled([asked]);
      if (outcome.status === 'fulfilled') outcome.value.release();
      else expect(outcome.reason).toBe(left);
      const local = await store.localFile('data/f.parquet', new AbortController().signal);
      expect(text(await harness.readFile(local.path))).toBe('rows');
      local.release();
    });
  });
}
