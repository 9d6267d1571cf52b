import { randomUUID } from 'node:crypto';
import { chmod, copyFile, link, readdir, readFile, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  PortError,
  RESERVED_NAME_PREFIX,
  assertObjectKey,
  assertObjectKeyPrefix,
  isPortError,
  type Clock,
  type LocalFile,
  type ObjectStore,
  type ObjectSummary,
} from '@k2/ports';
import { DurableDirectories, codeOf, syncDirectory, unlessCode, withFile } from './durable-files.ts';
import { listObjects } from './list-objects.ts';

const TEMP_FOLDER = `${RESERVED_NAME_PREFIX}tmp`;

/** A temporary file this old belongs to a process that died. */
const TEMP_AGE_US_MAX = 3_600_000_000;
const COMPARE_CHUNK_BYTES = 1 << 20;
/** Bits of a file's mode. Objects have no write bits: whatever reads them, user SQL above all, cannot change them. */
const OWNER_WRITES = 0o200;
const WRITABLE = 0o222;
/** How the file system says that there is no such object: no file, a file for a directory, a directory for a file. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EISDIR'];

/**
 * Objects as files under a root directory. A put writes a temporary file in the same file system, flushes it and links
 * it to its name: the link appears whole, fails where the name is taken, and its directory is flushed before the put
 * resolves. The file system must have hard links. URIs hold the path as it is, not percent-encoded: pyiceberg, pyarrow
 * and DuckDB take it verbatim.
 */
export class FilesystemObjectStore implements ObjectStore {
  private readonly root: string;
  private readonly uriPrefix: string;
  private readonly directories: DurableDirectories;

  /** Creates the root where it is missing, and removes temporary files that earlier processes left behind. */
  static async open(rootDirectory: string, clock: Clock): Promise<FilesystemObjectStore> {
    const store = new FilesystemObjectStore(resolve(rootDirectory));
    await writing(rootDirectory, async () => {
      await store.directories.ensure(store.tempFolder);
      await store.removeAbandoned(clock.nowUs());
    });
    return store;
  }

  private constructor(root: string) {
    this.root = root;
    const path = root.replaceAll('\\', '/').replace(/\/$/, '');
    this.uriPrefix = `file://${path.startsWith('/') || path === '' ? '' : '/'}${path}/`;
    this.directories = new DurableDirectories(root);
  }

  uri(key: string): string {
    assertObjectKey(key);
    return this.uriPrefix + key;
  }

  key(uri: string): string {
    // Java writes `file:/abs` for `file:///abs`.
    const full = uri.replace(/^file:\/(?!\/)/, 'file:///');
    if (!full.startsWith(this.uriPrefix)) {
      const message =
        `${uri} is not in this store: expected ${this.uriPrefix}…. Locations of tables are absolute, so that they ` +
        'cannot be moved or copied: open them at the path where they were made';
      throw new PortError('invalid-key', message, { uri, expectedPrefix: this.uriPrefix });
    }
    const key = full.slice(this.uriPrefix.length);
    assertObjectKey(key);
    return key;
  }

  async get(key: string, range?: { readonly start: number; readonly length: number }): Promise<Uint8Array> {
    const path = this.path(key);
    return reading(key, () => (range === undefined ? readFile(path) : readRange(key, path, range)));
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    const path = this.path(key);
    await writing(key, () =>
      this.withTempFile(async (temp) => {
        await withFile(temp, 'wx', async (file) => {
          await file.writeFile(content);
          await makeReadOnly(file);
          await file.sync();
        });
        await this.linkIfAbsent(key, temp, path);
      }),
    );
  }

  async putFileIfAbsent(key: string, localPath: string): Promise<{ readonly sizeBytes: number }> {
    const path = this.path(key);
    return writing(key, async () => {
      await flushReadOnly(localPath).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
        throw new PortError('not-found', `there is no file ${localPath} to store as ${key}`, { key, localPath });
      });
      await this.linkIfAbsent(key, localPath, path).catch(async (error: unknown) => {
        if (codeOf(error) !== 'EXDEV') throw error;
        await this.copyIfAbsent(key, localPath, path);
      });
      const { size } = await stat(path);
      await unlink(localPath).catch(unlessCode('ENOENT'));
      return { sizeBytes: size };
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    assertObjectKeyPrefix(prefix);
    try {
      yield* listObjects(this.root, prefix);
    } catch (error) {
      throw unavailable(prefix, error);
    }
  }

  /** Leaves empty directories: another put may be about to use them. */
  async delete(key: string): Promise<void> {
    const path = this.path(key);
    await writing(key, async () => {
      await unlink(path).catch(unlessCode(...ABSENT));
      await syncDirectory(dirname(path)).catch(unlessCode(...ABSENT));
    });
  }

  /** The object itself, read-only: also what other programs wrote, or K2 of an earlier version. */
  async localFile(key: string, signal?: AbortSignal): Promise<LocalFile> {
    signal?.throwIfAborted();
    const path = this.path(key);
    const found = await reading(key, () => stat(path));
    if (!found.isFile()) throw notFound(key);
    // Who does not own the file cannot make it read-only; nor can the engine process, of the same user, write it then.
    if ((found.mode & WRITABLE) !== 0) await chmod(path, found.mode & ~WRITABLE).catch(() => undefined);
    return { path, release: () => undefined };
  }

  private path(key: string): string {
    assertObjectKey(key);
    return join(this.root, key);
  }

  private get tempFolder(): string {
    return join(this.root, TEMP_FOLDER);
  }

  /** `source` is flushed and in this file system; it keeps its own name too. */
  private async linkIfAbsent(key: string, source: string, target: string): Promise<void> {
    const directory = dirname(target);
    await this.directories.ensure(directory);
    try {
      await link(source, target).catch(async (error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
        // Somebody removed directories that this process had made.
        this.directories.forget();
        await this.directories.ensure(directory);
        await link(source, target);
      });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (!(await haveEqualContent(source, target))) {
        throw new PortError('already-exists', `${key} exists with other content: objects are never overwritten`, {
          key,
        });
      }
    }
    // Also where it was there before: whoever put it may not have come so far.
    await syncDirectory(directory);
  }

  private async copyIfAbsent(key: string, source: string, target: string): Promise<void> {
    await this.withTempFile(async (temp) => {
      await copyFile(source, temp);
      await flushReadOnly(temp);
      await this.linkIfAbsent(key, temp, target);
    });
  }

  private async withTempFile(use: (path: string) => Promise<void>): Promise<void> {
    const temp = join(this.tempFolder, randomUUID());
    try {
      await use(temp);
    } finally {
      await rm(temp, { force: true });
    }
  }

  private async removeAbandoned(nowUs: number): Promise<void> {
    for (const name of await readdir(this.tempFolder)) {
      const path = join(this.tempFolder, name);
      const { mtimeMs } = await stat(path);
      if (nowUs - mtimeMs * 1_000 > TEMP_AGE_US_MAX) await rm(path, { force: true });
    }
  }
}

/** Flushes a file to disk and makes it read-only; an earlier put that did not end may have done so already. */
async function flushReadOnly(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & OWNER_WRITES) === 0) await chmod(path, mode | OWNER_WRITES);
  await withFile(path, 'r+', async (file) => {
    await makeReadOnly(file);
    await file.sync();
  });
}

async function makeReadOnly(file: FileHandle): Promise<void> {
  const { mode } = await file.stat();
  await file.chmod(mode & ~WRITABLE);
}

async function readRange(
  key: string,
  path: string,
  range: { readonly start: number; readonly length: number },
): Promise<Uint8Array> {
  const { start, length } = range;
  return withFile(path, 'r', async (file) => {
    const { size } = await file.stat();
    if (start < 0 || length < 0 || start + length > size) {
      const message = `${key} has ${size} bytes: there are no ${length} from ${start} on`;
      throw new PortError('out-of-range', message, { key, start, length, sizeBytes: size });
    }
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      filled += bytesRead;
    }
    return bytes;
  });
}

async function haveEqualContent(a: string, b: string): Promise<boolean> {
  return withFile(a, 'r', (fileA) =>
    withFile(b, 'r', async (fileB) => {
      const [statA, statB] = await Promise.all([fileA.stat(), fileB.stat()]);
      if (statA.size !== statB.size) return false;
      const chunkA = Buffer.alloc(COMPARE_CHUNK_BYTES);
      const chunkB = Buffer.alloc(COMPARE_CHUNK_BYTES);
      for (let at = 0; at < statA.size;) {
        const [readA, readB] = await Promise.all([
          fileA.read(chunkA, 0, chunkA.length, at),
          fileB.read(chunkB, 0, chunkB.length, at),
        ]);
        const common = Math.min(readA.bytesRead, readB.bytesRead);
        if (common === 0 || chunkA.compare(chunkB, 0, common, 0, common) !== 0) return false;
        at += common;
      }
      return true;
    }),
  );
}

async function reading<Result>(key: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    throw ABSENT.includes(codeOf(error)) ? notFound(key) : unavailable(key, error);
  }
}

async function writing<Result>(key: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    throw unavailable(key, error);
  }
}

function unavailable(key: string, error: unknown): Error {
  if (isPortError(error)) return error;
  const code = codeOf(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const advice = isFull ? 'the disk is full: make room' : 'check the disk and its permissions';
  const message = `${key}: ${(error as Error).message}; ${advice}`;
  const options = { retryable: true, cause: error };
  return new PortError(isFull ? 'disk-full' : 'unavailable', message, { key, code }, options);
}

function notFound(key: string): PortError {
  return new PortError('not-found', `there is no object ${key}`, { key });
}
