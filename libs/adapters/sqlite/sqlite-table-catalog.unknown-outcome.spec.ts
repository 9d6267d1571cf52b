import { describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SqliteTableCatalog } from './sqlite-table-catalog.ts';

const clock = { nowUs: () => 1_394_402_400_000_000, monotonicUs: () => 0 };

describe('SqliteTableCatalog whose thread dies during a commit', () => {
  it('says that the outcome is unknown, and knows it when it is opened again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-unknown-'));
    const path = join(directory, 'catalog.db');
    const posts = jest.spyOn(Worker.prototype, 'postMessage');
    try {
      const catalog = await SqliteTableCatalog.open({ path, clock });
      const worker = posts.mock.contexts[0] as Worker;
      const tables = [{ table: 'market.trades', expected: null, next: 't1' }];
      const change = { changeId: 'c', committedUs: 1, tables, progress: [], state: new Map() };
      const applied = catalog.apply(change);
      void worker.terminate();
      await expect(applied).rejects.toMatchObject({ kind: 'unknown-outcome', context: { changeId: 'c' } });
      await expect(catalog.committed('c')).rejects.toMatchObject({ kind: 'unavailable' });
      await catalog.close();

      const reopened = await SqliteTableCatalog.open({ path, clock });
      expect(await reopened.metadataLocation('market.trades')).toBe((await reopened.committed('c')) ? 't1' : null);
      await reopened.apply(change);
      expect(await reopened.metadataLocation('market.trades')).toBe('t1');
      await reopened.close();
    } finally {
      posts.mockRestore();
      await rm(directory, { recursive: true });
    }
  });
});
