import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectStoreContract, tableCatalogContract } from '@k2/testing/contracts';
import { ManualClock } from './manual-time.ts';
import { MemoryObjectStore } from './memory-object-store.ts';
import { MemoryTableCatalog } from './memory-table-catalog.ts';

tableCatalogContract('memory', {
  create: async () => {
    const catalog = new MemoryTableCatalog();
    return { catalog, another: async () => catalog, close: () => catalog.close() };
  },
});

objectStoreContract('memory', {
  create: async () => {
    const store = new MemoryObjectStore(new ManualClock(1_394_402_400_000_000));
    const directory = await mkdtemp(join(tmpdir(), 'k2-memory-'));
    let files = 0;
    return {
      store,
      another: async () => store,
      writeFile: async (content) => {
        const path = join(directory, `file-${++files}`);
        await writeFile(path, content);
        return path;
      },
      readFile: (path) => readFile(path),
      close: () => rm(directory, { recursive: true }),
    };
  },
});
