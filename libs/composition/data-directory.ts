import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PortError, type Scheduler } from '@k2/ports';
import { within } from './closing.ts';

/** A file system that does not answer, such as a network's, is told from one that is slow. */
const ANSWER_TIMEOUT_MS = 10_000;
const OTHERS = 0o007;
const GROUP_READ = 0o040;

/**
 * Creates the data directory where it is missing, for its user alone, and sees that it can be written. From then on
 * files that this process makes are readable by its user, and by the group of a directory that lets its group read.
 * Resolves with the bits that let others in: 0, but for a directory that somebody else made so. Throws `misconfigured`,
 * and `disk-full`.
 */
export async function openDataDirectory(directory: string, scheduler: Scheduler): Promise<number> {
  const path = resolve(directory);
  let mode: number;
  try {
    mode = await within(scheduler, ANSWER_TIMEOUT_MS, async () => {
      await ensureDirectory(path);
      await probe(path);
      return (await stat(path)).mode;
    });
  } catch (cause) {
    throw refusal(path, cause);
  }
  process.umask((mode & GROUP_READ) === 0 ? 0o077 : 0o027);
  return mode & OTHERS;
}

/** One directory at a time: Node's recursive `mkdir` never returns from a file system that refuses with ENOENT, as /proc. */
async function ensureDirectory(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    return null;
  });
  if (found?.isDirectory()) return;
  if (found !== null) throw Object.assign(new Error('it is a file'), { code: 'ENOTDIR' });
  if (dirname(path) !== path) await ensureDirectory(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

async function probe(path: string): Promise<void> {
  const file = join(path, `.probe-${process.pid}`);
  await (await open(file, 'w', 0o600)).close();
  await unlink(file);
}

function refusal(path: string, cause: unknown): PortError {
  const code = codeOf(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new PortError('disk-full', `the disk of the data directory ${path} is full: make room`, { path }, { cause });
  const message = `the data directory ${path} cannot be made or written: ${(cause as Error).message}`;
  return new PortError('misconfigured', `${message}. Choose another with --data or K2_DATA`, { path }, { cause });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
