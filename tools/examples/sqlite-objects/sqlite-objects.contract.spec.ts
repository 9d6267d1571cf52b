import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '@k2/ports';
import { objectStoreContract } from '@k2/testing/contracts';
import { k2 } from './index.ts';
import type { SqliteObjectStore } from './sqlite-object-store.ts';
import { testContext } from './test-support/test-context.ts';

objectStoreContract('one SQLite database', {
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-sqlite-objects-'));
    await mkdir(join(directory, 'scratch'));
    const context = testContext(join(directory, 'scratch'), { ACME_OBJECTS_FILE: join(directory, 'objects.db') });
    const opened: ObjectStore[] = [];
    // As K2 opens it.
    const open = async () => {
      const store = await k2.objects!(context);
      opened.push(store);
      return store;
    };
    let files = 0;
    return {
      store: await open(),
      another: open,
      writeFile: async (content) => {
        const path = join(directory, `file-${++files}`);
        await writeFile(path, content);
        return path;
      },
      readFile: (path) => readFile(path),
      close: async () => {
        for (const store of opened) (store as SqliteObjectStore).close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
