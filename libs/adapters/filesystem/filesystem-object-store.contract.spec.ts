import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectStoreContract } from '@k2/testing/contracts';
import { FilesystemObjectStore } from './filesystem-object-store.ts';

const clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => 0 };

objectStoreContract('filesystem, in a directory with a space', {
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2 files '));
    const root = join(directory, 'data lake');
    await mkdir(join(directory, 'incoming'));
    let files = 0;
    return {
      store: await FilesystemObjectStore.open(root, clock),
      another: () => FilesystemObjectStore.open(root, clock),
      writeFile: async (content) => {
        const path = join(directory, 'incoming', `file-${++files}`);
        await writeFile(path, content);
        return path;
      },
      readFile: (path) => readFile(path),
      close: () => rm(directory, { recursive: true }),
    };
  },
});
