import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isObjectKey, type ObjectSummary } from '@k2/ports';
import { codeOf } from './durable-files.ts';

/** Walks the tree in key order; holds the names of the directories on one path, never the whole tree. */
export async function* listObjects(root: string, prefix: string): AsyncGenerator<ObjectSummary> {
  yield* walk(root, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
}

/** `folder` is empty or ends with a slash. */
async function* walk(root: string, folder: string, prefix: string): AsyncGenerator<ObjectSummary> {
  for (const key of await sortedEntries(root, folder)) {
    if (!key.startsWith(prefix)) continue;
    if (key.endsWith('/')) {
      yield* walk(root, key, prefix);
      continue;
    }
    const found = await summary(root, key);
    if (found !== null) yield found;
  }
}

/** Directories end with a slash and sort as if they did, because that is what follows in their objects' keys. */
async function sortedEntries(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return [];
    throw error;
  });
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isFile()) && isObjectKey(folder + entry.name))
    .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
    .sort();
}

/** Null: deleted since the directory was read. */
async function summary(root: string, key: string): Promise<ObjectSummary | null> {
  try {
    const { size, mtimeMs } = await stat(join(root, key));
    return { key, sizeBytes: size, modifiedUs: Math.floor(mtimeMs * 1_000) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
