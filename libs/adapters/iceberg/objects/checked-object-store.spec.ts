import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckedObjectStore } from './checked-object-store.ts';
import { digestOf } from './digest.ts';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { contentName, namedDigest, type LocalFile, type ObjectStore } from '@k2/ports';

let lake: MaintainedLake;
let checked: CheckedObjectStore;

beforeEach(async () => {
  lake = await MaintainedLake.create();
  await lake.commit(0);
  checked = new CheckedObjectStore(lake.lake.objects);
});

afterEach(() => lake.close());

const dataFile = async () => (await lake.dataFiles())[0];
const delegated = (objects: ObjectStore): ObjectStore => ({
  uri: (key) => objects.uri(key),
  key: (uri) => objects.key(uri),
  get: (key, range) => objects.get(key, range),
  putIfAbsent: (key, content) => objects.putIfAbsent(key, content),
  putFileIfAbsent: (key, from) => objects.putFileIfAbsent(key, from),
  list: (prefix) => objects.list(prefix),
  delete: (key) => objects.delete(key),
  localFile: (key) => objects.localFile(key),
});
const path = (key: string) => join(lake.lake.objects.directory, key);

async function flip(key: string): Promise<() => Promise<void>> {
  const whole = await readFile(path(key));
  const bytes = Buffer.from(whole);
  bytes[Math.floor(bytes.length / 2)] ^= 0x10;
  await writeFile(path(key), bytes);
  return () => writeFile(path(key), whole);
}

describe('objects that K2 wrote', () => {
  it('of every kind have names that tell their content', async () => {
    const keys = await lake.lake.keys('market_data/trades');
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) {
      expect(key).toContain(digestOf(await readFile(path(key))));
      await expect(checked.get(key)).resolves.toBeInstanceOf(Uint8Array);
    }
  });

  it('are an error that names them once a bit is another, and are read again when that is mended', async () => {
    const key = await dataFile();
    (await checked.localFile(key)).release();
    const mend = await flip(key);
    const error = { kind: 'damaged', retryable: false, message: expect.stringContaining(key) };
    await expect(checked.localFile(key)).rejects.toMatchObject(error);
    await expect(checked.localFile(key)).rejects.toMatchObject(error);
    await expect(checked.get(key)).rejects.toMatchObject(error);
    await mend();
    (await checked.localFile(key)).release();
  });

  it('are missed as before', async () => {
    const key = await dataFile();
    await lake.lake.objects.delete(key);
    await expect(checked.localFile(key)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

it('objects of other names are given as they are', async () => {
  const key = 'market_data/trades/data/00000-0-other.parquet';
  await checked.putIfAbsent(key, Buffer.from('content'));
  expect(Buffer.from(await checked.get(key)).toString()).toBe('content');
  (await checked.localFile(key)).release();
});

it('one that is asked for by many at once is read once for all of them', async () => {
  const key = await dataFile();
  const files = await Promise.all(Array.from({ length: 20 }, () => checked.localFile(key)));
  expect(new Set(files.map((file) => file.path)).size).toBe(1);
  const wrong = `market_data/trades/data/${contentName('00000001-0000-4000-8000-000000000000', '0'.repeat(64))}.parquet`;
  await checked.putIfAbsent(wrong, Buffer.from('content'));
  const refused = await Promise.allSettled(Array.from({ length: 5 }, () => checked.localFile(wrong)));
  expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
});

describe('a local copy that is not what was written', () => {
  /** Objects as they were written, of which this machine has copies; the first `rotten` ones are not. */
  function copying(rotten: number) {
    const { objects } = lake.lake;
    const seen = { fetched: 0, discarded: 0, released: 0 };
    const localFile = async (key: string): Promise<LocalFile> => {
      const copy = path(`copy ${++seen.fetched}`);
      const content = await objects.get(key);
      await writeFile(copy, seen.fetched > rotten ? content : content.map((byte) => byte ^ 1));
      return { path: copy, release: () => seen.released++, discard: () => seen.discarded++ };
    };
    return { store: new CheckedObjectStore({ ...delegated(objects), localFile }), seen };
  }

  it('is given up, and the object is fetched once more', async () => {
    const key = await dataFile();
    const { store, seen } = copying(1);
    const file = await store.localFile(key);
    expect(digestOf(await readFile(file.path))).toBe(namedDigest(key));
    expect(seen).toEqual({ fetched: 2, discarded: 1, released: 0 });
  });

  it('is an error that names the object where the object is not either', async () => {
    const key = await dataFile();
    const { store, seen } = copying(2);
    await expect(store.localFile(key)).rejects.toMatchObject({ kind: 'damaged', context: { key } });
    expect(seen).toEqual({ fetched: 2, discarded: 1, released: 1 });
  });
});

describe('a table with a damaged file', () => {
  it.each([
    ['manifest', /-m0\.avro$/],
    ['manifest list', /snap-.*\.avro$/],
  ])('is an error that names the %s, by every planning', async (_, kind) => {
    const key = (await lake.lake.keys('market_data/trades/metadata')).find((one) => kind.test(one))!;
    for (const content of ['', 'Obj\x01', (await readFile(path(key))).subarray(0, -9)]) {
      await writeFile(path(key), content);
      await expect(lake.lake.open().plan({ table: TRADES, asOf: { kind: 'latest' } })).rejects.toMatchObject({
        kind: 'damaged',
        message: expect.stringContaining(key),
        context: { key },
      });
    }
    await lake.lake.objects.delete(key);
    await expect(lake.lake.open().plan({ table: TRADES, asOf: { kind: 'latest' } })).rejects.toMatchObject({
      kind: 'damaged',
      message: expect.stringContaining(`${key} is missing`),
    });
  });

  it('is an error that names its metadata file', async () => {
    const location = (await lake.lake.catalog.metadataLocation(TRADES))!;
    const key = lake.lake.objects.key(location);
    for (const content of ['', (await readFile(path(key))).subarray(0, 200)]) {
      await writeFile(path(key), content);
      await expect(lake.lake.open().plan({ table: TRADES, asOf: { kind: 'latest' } })).rejects.toMatchObject({
        kind: 'damaged',
        message: expect.stringContaining(key),
      });
    }
  });

  it('is not compacted: wrong rows would get a right digest', async () => {
    await lake.commitDays(0, 0, 0, 0);
    const before = await lake.dataFiles();
    const key = before[2];
    const mend = await flip(key);
    await expect(lake.compact()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining(key) });
    expect(await lake.dataFiles()).toEqual(before);
    await mend();
    expect(await lake.compact()).toMatchObject({ filesBefore: 5, filesAfter: 1 });
  });
});
