import { constants } from 'node:fs';
import { lstat, open, opendir, realpath, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { codeOf, unusable } from './messages.ts';

/** Entries of one folder. */
export const ENTRIES_MAX = 100_000;

/**
 * The only way to the files of a directory that is loaded. Whoever names the directory need not be the one who may read
 * everything that this process can: only regular files come out of it, which lie in the directory itself and not where a
 * link leads, and nothing that it opens can block or never end. Everything it refuses is `misconfigured`, with the path.
 */
export class SourceDirectory {
  /** As the caller named it, for messages. */
  readonly path: string;
  private readonly realPath: string;

  private constructor(path: string, realPath: string) {
    this.path = path;
    this.realPath = realPath;
  }

  /** The directory itself may be a link: the caller named it. */
  static async open(path: string): Promise<SourceDirectory> {
    const expected = 'is no folder that can be read: expected one with trades/, quotes/ and reference-data/';
    try {
      const realPath = await realpath(path);
      if (!(await lstat(realPath)).isDirectory()) throw unusable(path, expected);
      return new SourceDirectory(path, realPath);
    } catch (cause) {
      throw codeOf(cause) === '' ? cause : unusable(path, expected, cause);
    }
  }

  /** Names of the entries of a folder, in order; null where there is no such folder. '' is the directory itself. */
  async names(folder: string): Promise<readonly string[] | null> {
    const path = join(this.path, folder);
    try {
      await this.requireInside(folder);
      const names: string[] = [];
      for await (const { name } of await opendir(join(this.realPath, folder))) {
        if (names.length === ENTRIES_MAX)
          throw unusable(path, `has more than ${ENTRIES_MAX} entries: load it in parts`);
        names.push(name);
      }
      return names.sort();
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null;
      throw isOfFileSystem(cause) ? unusable(path, 'cannot be listed as a folder', cause) : cause;
    }
  }

  /** Size of a regular file. */
  async sizeBytes(file: string): Promise<number> {
    return (await this.look(file)).size;
  }

  /** `purpose` ends the message if the file cannot be read. */
  async openFile(file: string, purpose = ''): Promise<SourceFile> {
    const path = join(this.path, file);
    // A link that took the file's place since the look is not followed, and a pipe does not wait for its writer.
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    const expected = await this.look(file, purpose);
    const handle = await attempt(path, () => open(join(this.realPath, file), flags));
    try {
      const found = await attempt(path, () => handle.stat());
      if (!found.isFile() || found.ino !== expected.ino || found.dev !== expected.dev)
        throw unusable(path, 'was replaced while it was opened: load again once the directory is at rest');
      await attempt(path, () => this.requireInside(file));
      return new SourceFile(path, handle, found.size, found.mtimeMs);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private async look(file: string, purpose = '') {
    const path = join(this.path, file);
    const found = await attempt(path, () => lstat(join(this.realPath, file)), purpose);
    if (found.isSymbolicLink())
      throw unusable(path, 'is a symbolic link: expected the file itself; links are not followed');
    if (!found.isFile()) throw unusable(path, 'is not a file: expected CSV');
    await attempt(path, () => this.requireInside(file));
    return found;
  }

  private async requireInside(entry: string): Promise<void> {
    const real = await realpath(join(this.realPath, entry));
    if (real === this.realPath || real.startsWith(this.realPath.endsWith(sep) ? this.realPath : this.realPath + sep))
      return;
    throw unusable(
      join(this.path, entry),
      `lies outside of ${this.path}, behind a symbolic link: expected it in the directory itself`,
    );
  }
}

/** An open regular file, as long as it was when it was opened. */
export class SourceFile {
  readonly path: string;
  readonly sizeBytes: number;
  private readonly handle: FileHandle;
  private readonly modifiedMs: number;
  private position = 0;

  constructor(path: string, handle: FileHandle, sizeBytes: number, modifiedMs: number) {
    this.path = path;
    this.handle = handle;
    this.sizeBytes = sizeBytes;
    this.modifiedMs = modifiedMs;
  }

  get isAtEnd(): boolean {
    return this.position === this.sizeBytes;
  }

  /**
   * Fills the buffer from a position on, less where the file is over; returns the bytes read. The last bytes of a file that
   * is being written are refused instead: half a row may look like a whole one.
   */
  async fill(buffer: Uint8Array, from: number): Promise<number> {
    const to = Math.min(buffer.length, from + this.sizeBytes - this.position);
    let at = from;
    while (at < to) {
      const { bytesRead } = await attempt(this.path, () => this.handle.read(buffer, at, to - at, this.position));
      if (bytesRead === 0) throw this.changed();
      at += bytesRead;
      this.position += bytesRead;
    }
    if (this.isAtEnd) {
      const { size, mtimeMs } = await attempt(this.path, () => this.handle.stat());
      if (size !== this.sizeBytes || mtimeMs !== this.modifiedMs) throw this.changed();
    }
    return at - from;
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private changed(): Error {
    return unusable(this.path, 'changed while it was read: load again once nothing writes to it');
  }
}

async function attempt<Value>(path: string, act: () => Promise<Value>, purpose = ''): Promise<Value> {
  try {
    return await act();
  } catch (cause) {
    throw isOfFileSystem(cause) ? unusable(path, `cannot be read${purpose}`, cause) : cause;
  }
}

function isOfFileSystem(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(codeOf(error));
}
