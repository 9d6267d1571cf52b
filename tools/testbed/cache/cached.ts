import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../progress.ts';
import { withLock } from './lock.ts';

/** Where downloads stay from run to run: `K2_TESTBED_CACHE`, or `~/.cache/k2-testbed`. */
export function cacheDirectory(): string {
  return process.env['K2_TESTBED_CACHE'] || join(homedir(), '.cache', 'k2-testbed');
}

/**
 * The directory of that name in the cache, filled by `make` where it is not there: it is there whole or not at all,
 * whatever ends us when. Of several processes that want it, one makes it and the others wait.
 */
export async function cached(
  name: string,
  make: (directory: string) => Promise<void>,
  progress: Progress,
): Promise<string> {
  const cache = cacheDirectory();
  const directory = join(cache, name);
  const isThere = () => existsSync(directory);
  if (isThere()) return directory;
  await mkdir(cache, { recursive: true });
  await withLock(
    join(cache, `.${name}.lock`),
    async () => {
      if (!isThere()) await makeWhole(cache, name, make, isThere);
    },
    () => {
      progress.update(`${name}: waiting for another process that gets it`);
      return isThere();
    },
  );
  return directory;
}

async function makeWhole(
  cache: string,
  name: string,
  make: (directory: string) => Promise<void>,
  isThere: () => boolean,
): Promise<void> {
  await removeRemains(cache, name);
  const partial = join(cache, `.${name}.${randomUUID()}.partial`);
  await mkdir(partial);
  try {
    await make(partial);
    await rename(partial, join(cache, name));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Should the lock have been lost, another process was first.
    if (!isThere()) throw error;
  }
}

/** What a process that was killed left. */
async function removeRemains(cache: string, name: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (entry.startsWith(`.${name}.`) && entry.endsWith('.partial')) {
      await rm(join(cache, entry), { recursive: true, force: true });
    }
  }
}
