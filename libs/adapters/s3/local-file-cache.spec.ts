import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PortError } from '@k2/ports';
import { LocalFileCache, type FetchFile } from './local-file-cache.ts';
import { CountingTelemetry } from './test-support/ports.ts';

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
const unused: FetchFile = () => Promise.reject(new Error('this should have been there'));

describe('LocalFileCache', () => {
  let root: string;
  let directory: string;
  let telemetry: CountingTelemetry;
  let fetches: number;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'k2-cache-'));
    directory = join(root, 'copies');
    telemetry = new CountingTelemetry();
    fetches = 0;
  });
  afterEach(() => rm(root, { recursive: true }));

  const open = (bytesMax = 1_000, filesMax = 100) => LocalFileCache.open({ directory, bytesMax, filesMax }, telemetry);
  const fetching =
    (content: string): FetchFile =>
    async (target, reserve) => {
      fetches++;
      reserve(content.length);
      await writeFile(target, content);
      return { sizeBytes: content.length, sha256: sha256(content) };
    };
  const sized = (sizeBytes: number) => fetching('x'.repeat(sizeBytes));
  /** Acquires and releases. */
  const use = async (cache: LocalFileCache, name: string, fetch: FetchFile) =>
    (await cache.acquire(name, fetch)).release();
  const isKept = async (cache: LocalFileCache, name: string) => {
    const before = fetches;
    await use(cache, name, sized(1));
    return fetches === before;
  };

  it('fetches once for all who ask at a time, and gives it again later', async () => {
    const cache = await open();
    const files = await Promise.all(Array.from({ length: 5 }, () => cache.acquire('a', fetching('rows'))));
    for (const { path, release } of files) {
      expect(await readFile(path, 'utf8')).toBe('rows');
      release();
    }
    await use(cache, 'a', unused);
    expect(fetches).toBe(1);
    expect(telemetry.sum('k2_objects_cache_lookups miss')).toBe(1);
    expect(telemetry.sum('k2_objects_cache_lookups joined')).toBe(4);
    expect(telemetry.sum('k2_objects_cache_lookups hit')).toBe(1);
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(4);
  });

  it('fetches anew once a copy was discarded, and leaves it to who still reads it', async () => {
    const cache = await open();
    const [rotten, read] = [await cache.acquire('a', fetching('rotten')), await cache.acquire('a', unused)];
    rotten.discard!();
    const anew = await cache.acquire('a', fetching('rows'));
    expect(await readFile(anew.path, 'utf8')).toBe('rows');
    expect(await readFile(read.path, 'utf8')).toBe('rotten');
    read.discard!();
    anew.release();
    await use(cache, 'a', unused);
    await cache.close();
    expect(await readdir(directory)).toHaveLength(1);
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(4);
  });

  it('stops a fetch once all have left who wait for it, removes what it wrote, and begins anew for the next', async () => {
    const cache = await open();
    const stopped = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const endless: FetchFile = async (target, reserve, isUnwanted) => {
      reserve(600);
      await writeFile(target, 'a part');
      written.resolve();
      await new Promise((resolve) => isUnwanted.addEventListener('abort', resolve));
      stopped.resolve();
      throw isUnwanted.reason;
    };
    const leaving = [new AbortController(), new AbortController()];
    const asked = leaving.map(({ signal }) => cache.acquire('a', endless, signal));
    const outcomes = Promise.allSettled(asked);
    await written.promise;
    leaving[0].abort('left');
    await expect(asked[0]).rejects.toBe('left');
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(600);
    leaving[1].abort('left');
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const anew = cache.acquire('a', fetching('rows'));
    await stopped.promise;
    expect(await readFile((await anew).path, 'utf8')).toBe('rows');
    (await anew).release();
    await cache.close();
    expect(await readdir(directory)).toHaveLength(1);
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(4);
  });

  it('keeps nothing of a fetch that came to its end although all had left', async () => {
    const cache = await open();
    const leaving = new AbortController();
    const deaf: FetchFile = async (target, reserve, isUnwanted) => {
      const told = new Promise((resolve) => isUnwanted.addEventListener('abort', resolve));
      leaving.abort('left');
      await told;
      return fetching('rows')(target, reserve, isUnwanted);
    };
    await expect(cache.acquire('a', deaf, leaving.signal)).rejects.toBe('left');
    await use(cache, 'a', fetching('anew'));
    await cache.close();
    expect(fetches).toBe(2);
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('gives out copies that nobody can write', async () => {
    const { path, release } = await (await open()).acquire('a', fetching('rows'));
    expect((await stat(path)).mode & 0o222).toBe(0);
    release();
  });

  it('removes what was not used for longest when it is full', async () => {
    const cache = await open(1_000);
    for (const name of ['a', 'b', 'c']) await use(cache, name, sized(300));
    await use(cache, 'a', unused);
    await use(cache, 'd', sized(300));
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(900);
    expect(await isKept(cache, 'a')).toBe(true);
    expect(await isKept(cache, 'd')).toBe(true);
    expect(await isKept(cache, 'b')).toBe(false);
    await cache.close();
    expect(await readdir(directory)).toHaveLength(4);
  });

  it('makes room before a file is fetched', async () => {
    const cache = await open(1_000);
    await use(cache, 'a', sized(600));
    await use(cache, 'b', async (target, reserve, isUnwanted) => {
      reserve(600);
      expect(telemetry.read('k2_objects_cache_bytes')).toBe(600);
      return sized(600)(target, reserve, isUnwanted);
    });
  });

  it('never removes a file in use, exceeds the bound for it, and comes back below on release', async () => {
    const cache = await open(1_000);
    const files = await Promise.all(['a', 'b', 'c'].map((name) => cache.acquire(name, sized(600))));
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(1_800);
    for (const { path } of files) expect(await readFile(path)).toHaveLength(600);
    for (const { release } of files) release();
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(600);
    await cache.close();
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('counts a release once, however often it is called', async () => {
    const cache = await open(1_000);
    const first = await cache.acquire('a', sized(600));
    const second = await cache.acquire('a', unused);
    first.release();
    first.release();
    await use(cache, 'b', sized(600));
    expect(await readFile(second.path)).toHaveLength(600);
    second.release();
  });

  it('gives a file larger than the bound, drives nothing out for it, and removes it on the last release', async () => {
    const cache = await open(1_000);
    await use(cache, 'small', sized(900));
    const large = await cache.acquire('large', sized(5_000));
    const again = await cache.acquire('large', unused);
    large.release();
    expect(await readFile(again.path)).toHaveLength(5_000);
    again.release();
    await cache.close();
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(900);
    expect(await readdir(directory)).toHaveLength(1);
    expect(await isKept(cache, 'small')).toBe(true);
  });

  it('keeps nothing where the bound is zero', async () => {
    const cache = await open(0, 0);
    for (const sizeBytes of [0, 10]) {
      const file = await cache.acquire(`of ${sizeBytes}`, sized(sizeBytes));
      expect(await readFile(file.path)).toHaveLength(sizeBytes);
      file.release();
    }
    await cache.close();
    expect(await readdir(directory)).toEqual([]);
  });

  it('bounds the number of files too', async () => {
    const cache = await open(1_000, 3);
    for (let i = 0; i < 10; i++) await use(cache, `file ${i}`, sized(0));
    await cache.close();
    expect(await readdir(directory)).toHaveLength(3);
  });

  it('passes a failure on to all who wait, keeps nothing of it, and tries anew for the next', async () => {
    const cache = await open();
    const failing: FetchFile = async (target, reserve) => {
      reserve(500);
      await writeFile(target, 'half of i');
      throw new PortError('unavailable', 'the connection broke');
    };
    const asked = await Promise.allSettled([cache.acquire('a', failing), cache.acquire('a', failing)]);
    for (const each of asked) expect(each).toMatchObject({ reason: { kind: 'unavailable' } });
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(0);
    await cache.close();
    expect(await readdir(directory)).toEqual([]);
    await use(cache, 'a', fetching('whole'));
  });

  it('refuses a file whose size is not what was fetched', async () => {
    const cache = await open();
    const short: FetchFile = async (target) => {
      await writeFile(target, 'four');
      return { sizeBytes: 5, sha256: sha256('fours') };
    };
    await expect(cache.acquire('a', short)).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
  });

  it('adopts whole files of an earlier process in order of age, and removes what that left in the middle', async () => {
    const earlier = await open();
    await use(earlier, 'a', fetching('rows of a'));
    await use(earlier, 'b', fetching('rows of b'));
    const [name] = await readdir(directory);
    await writeFile(join(directory, `${randomUUID()}.partial`), 'half of');
    await writeFile(join(directory, name.replace(/\.\d+\./, '.4000.')), 'cut off');
    await writeFile(join(directory, 'notes.txt'), 'not of the cache');
    await mkdir(join(directory, 'folder'));

    const later = await open();
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(18);
    expect((await readdir(directory)).filter((each) => !/^[0-9a-f]{32}\./.test(each))).toEqual(['folder', 'notes.txt']);
    expect(await readdir(directory)).toHaveLength(4);
    for (const [key, content] of [
      ['a', 'rows of a'],
      ['b', 'rows of b'],
    ]) {
      const file = await later.acquire(key, unused);
      expect(await readFile(file.path, 'utf8')).toBe(content);
      file.release();
    }
  });

  it('fetches a file again that was damaged between two processes', async () => {
    await use(await open(), 'a', fetching('rows'));
    const [name] = await readdir(directory);
    await writeFile(join(directory, name), 'r0ws');
    const cache = await open();
    const files = await Promise.all([cache.acquire('a', fetching('rows')), cache.acquire('a', unused)]);
    for (const { path } of files) expect(await readFile(path, 'utf8')).toBe('rows');
    await cache.close();
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('comes below a smaller bound when it is opened', async () => {
    const earlier = await open(1_000);
    for (const name of ['a', 'b', 'c']) await use(earlier, name, sized(300));
    const later = await open(700);
    await later.close();
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('forgets: who reads may go on, who asks gets the new content', async () => {
    const cache = await open();
    const old = await cache.acquire('a', fetching('old'));
    cache.forget('a');
    cache.forget('never seen');
    const anew = await cache.acquire('a', fetching('new'));
    expect(await readFile(old.path, 'utf8')).toBe('old');
    expect(await readFile(anew.path, 'utf8')).toBe('new');
    old.release();
    anew.release();
    await cache.close();
    expect(await readdir(directory)).toHaveLength(1);
    expect(telemetry.read('k2_objects_cache_bytes')).toBe(3);
  });

  describe('adopt', () => {
    const written = async (content: string) => {
      const path = join(root, randomUUID());
      await writeFile(path, content);
      return { path, file: { sizeBytes: content.length, sha256: sha256(content) } };
    };

    it('takes a file over', async () => {
      const cache = await open();
      const { path, file } = await written('rows');
      await cache.adopt('a', path, file);
      const local = await cache.acquire('a', unused);
      expect(await readFile(local.path, 'utf8')).toBe('rows');
      local.release();
      await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('leaves a file alone that would drive out much of what readers use', async () => {
      const cache = await open(1_000);
      await use(cache, 'read', sized(900));
      const { path, file } = await written('x'.repeat(126));
      await cache.adopt('a', path, file);
      expect(await readFile(path)).toHaveLength(126);
      await use(cache, 'read', unused);
    });

    it('never fails: a copy that cannot be kept is fetched later', async () => {
      const cache = await open();
      await cache.adopt('a', join(root, 'nothing'), { sizeBytes: 4, sha256: sha256('rows') });
      expect(telemetry.messages).toEqual([expect.stringContaining('could not be kept')]);
      await use(cache, 'a', fetching('rows'));
      expect(fetches).toBe(1);
    });
  });
});
