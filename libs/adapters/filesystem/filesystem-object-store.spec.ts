import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { access, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@k2/ports';
import { FilesystemObjectStore } from './filesystem-object-store.ts';

const clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => 0 };
const content = new TextEncoder().encode('content');

describe('FilesystemObjectStore', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'k2 store '));
  });
  afterEach(() => rm(root, { recursive: true }));

  const keysOf = async (store: ObjectStore, prefix = '') => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  };

  it('writes URIs as pyiceberg and DuckDB take them: file:// and the path, not percent-encoded', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    expect(store.uri('a/b.json')).toBe(`file://${root}/a/b.json`);
    expect(store.uri('a/b.json')).toContain('/k2 store ');
    expect(store.key(`file://${root}/a/b.json`)).toBe('a/b.json');
    expect(store.key(`file:${root}/a/b.json`)).toBe('a/b.json');
    for (const uri of [`file://${root}x/a`, `file://${root}/a/../../b`, `file://${encodeURI(root)}/a`, `${root}/a`]) {
      expect(() => store.key(uri)).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
    }
  });

  it('leaves no temporary file behind, neither after success nor after refusal', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    await store.putIfAbsent('a/b', content);
    await expect(store.putIfAbsent('a/b', new Uint8Array(3))).rejects.toMatchObject({ kind: 'already-exists' });
    await expect(store.putIfAbsent('a/b/c', content)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await readdir(join(root, '.k2-tmp'))).toEqual([]);
  });

  it('hides temporary files, and removes those of dead processes when it is opened', async () => {
    await FilesystemObjectStore.open(root, clock);
    const old = join(root, '.k2-tmp', 'old');
    const young = join(root, '.k2-tmp', 'young');
    await writeFile(old, 'x');
    await writeFile(young, 'x');
    const twoHoursAgo = Date.now() / 1_000 - 7_200;
    await utimes(old, twoHoursAgo, twoHoursAgo);
    const store = await FilesystemObjectStore.open(root, clock);
    expect(await readdir(join(root, '.k2-tmp'))).toEqual(['young']);
    expect(await keysOf(store)).toEqual([]);
    await expect(store.get('.k2-tmp/young')).rejects.toMatchObject({ kind: 'invalid-key' });
  });

  it('lists only what it could have written', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    await store.putIfAbsent('a/b', content);
    await writeFile(join(root, 'a', 'not a key'), 'x');
    await symlink(join(root, 'a', 'b'), join(root, 'a', 'link'));
    await mkdir(join(root, 'empty'));
    expect(await keysOf(store)).toEqual(['a/b']);
  });

  it('takes a file over: its old path is gone', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    const path = join(root, '.k2-tmp', 'mine');
    await writeFile(path, 'rows');
    expect(await store.putFileIfAbsent('data/f', path)).toEqual({ sizeBytes: 4 });
    await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(store.putFileIfAbsent('data/f', path)).rejects.toMatchObject({
      kind: 'not-found',
      context: { localPath: path },
    });
  });

  it('puts again where somebody removed the directories meanwhile', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    await store.putIfAbsent('a/b/c', content);
    await rm(join(root, 'a'), { recursive: true });
    await store.putIfAbsent('a/b/c', content);
    expect(await keysOf(store)).toEqual(['a/b/c']);
  });

  it('gives objects no write bit, also those that another program wrote, and takes one over that has none', async () => {
    const store = await FilesystemObjectStore.open(root, clock);
    const writable = async (key: string) => ((await stat(join(root, key))).mode & 0o222) !== 0;
    await store.putIfAbsent('a', content);
    const path = join(root, '.k2-tmp', 'mine');
    await writeFile(path, 'rows', { mode: 0o444 });
    await store.putFileIfAbsent('b', path);
    await writeFile(join(root, 'c'), 'rows of another program');
    (await store.localFile('c')).release();
    expect(await Promise.all(['a', 'b', 'c'].map(writable))).toEqual([false, false, false]);
    for (const key of ['a', 'b', 'c']) await store.delete(key);
    expect(await keysOf(store)).toEqual([]);
  });
});
