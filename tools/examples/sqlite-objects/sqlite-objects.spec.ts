import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { k2 } from './index.ts';
import { SqliteObjectStore } from './sqlite-object-store.ts';
import { testContext } from './test-support/test-context.ts';

const CHUNK_BYTES = 1 << 20;

describe('objects in SQLite', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'k2-sqlite-objects-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const open = (file = 'objects.db') => {
    const { clock, random } = testContext(directory);
    return SqliteObjectStore.open({ path: join(directory, file), clock, random, scratchDirectory: directory });
  };

  it('does not start without its setting, and names it', async () => {
    await expect(k2.objects!(testContext(directory))).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('ACME_OBJECTS_FILE'),
    });
  });

  it('does not start on a file that is no database, or in a directory that is not there, and names the path', async () => {
    writeFileSync(join(directory, 'notes.txt'), 'These are notes, and no database at all. '.repeat(100));
    for (const file of ['notes.txt', 'missing/objects.db'])
      await expect(open(file)).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(join(directory, file)),
      });
  });

  it('reads any range, also across chunks', async () => {
    const store = await open();
    const content = Uint8Array.from({ length: 2 * CHUNK_BYTES + 7 }, (_, i) => (i * 31) >> 3);
    await store.putIfAbsent('a', content);
    const edge = fc.constantFrom(0, CHUNK_BYTES, 2 * CHUNK_BYTES, content.length);
    const place = fc.oneof(fc.nat(content.length), edge, fc.tuple(edge, fc.integer({ min: -2, max: 2 })).map(sum));
    const within = place.filter((at) => at >= 0 && at <= content.length);
    await fc.assert(
      fc.asyncProperty(within, within, async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const got = await store.get('a', { start, length: end - start });
        expect(Buffer.compare(got, content.subarray(start, end))).toBe(0);
      }),
      { numRuns: 200 },
    );
    store.close();
  });

  it('leaves no copy in the scratch directory once it is released, or where there was nothing to copy', async () => {
    const store = await open();
    await store.putIfAbsent('a', new Uint8Array(3));
    const copies = () => readdirSync(directory).filter((name) => name.endsWith('.object'));
    const [one, two] = await Promise.all([store.localFile('a'), store.localFile('a')]);
    one.release();
    expect(copies()).toHaveLength(1);
    two.release();
    await expect(store.localFile('b')).rejects.toMatchObject({ kind: 'not-found' });
    expect(copies()).toEqual([]);
    store.close();
  });

  it('says unavailable, and that asking again may help, where the database fails', async () => {
    const store = await open();
    store.close();
    await expect(store.get('a')).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
  });
});

function sum([a, b]: readonly [number, number]): number {
  return a + b;
}
