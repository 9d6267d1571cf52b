import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  assertObjectKey,
  isPortError,
  PortError,
  type Clock,
  type LocalFile,
  type ObjectStore,
  type ObjectSummary,
  type Random,
} from '@k2/ports';
import { ObjectDatabase } from './object-database.ts';

/** Keys that one step of a listing holds. */
const LIST_KEYS = 500;

export interface SqliteObjectStoreOptions {
  /** Of the database; created where it is missing, in a directory that is there. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /** For copies that engines read: a copy for each reader, gone when it is released. */
  readonly scratchDirectory: string;
}

/**
 * Objects as rows of one SQLite database, so that a whole lake is one file. Processes of one machine may share it. It works on
 * the thread that calls it: a put of 100 MB holds that thread for as long as the disk takes.
 */
export class SqliteObjectStore implements ObjectStore {
  private readonly database: ObjectDatabase;
  private readonly uriPrefix: string;
  private readonly options: SqliteObjectStoreOptions;

  /** Rejects with `unavailable` where the file cannot be opened or is no database. */
  static async open(options: SqliteObjectStoreOptions): Promise<SqliteObjectStore> {
    const path = resolve(options.path);
    try {
      return new SqliteObjectStore(ObjectDatabase.open(path), path, options);
    } catch (cause) {
      const message = `${path} cannot be opened (${(cause as Error).message}): name a file in a directory that can be written`;
      throw new PortError('unavailable', message, { path }, { cause });
    }
  }

  private constructor(database: ObjectDatabase, path: string, options: SqliteObjectStoreOptions) {
    this.database = database;
    this.uriPrefix = `sqlite://${path.replaceAll('\\', '/')}/`;
    this.options = options;
  }

  uri(key: string): string {
    assertObjectKey(key);
    return this.uriPrefix + key;
  }

  key(uri: string): string {
    if (!uri.startsWith(this.uriPrefix)) {
      const message = `${uri} is not in this store: expected ${this.uriPrefix}…`;
      throw new PortError('invalid-key', message, { uri, expectedPrefix: this.uriPrefix });
    }
    const key = uri.slice(this.uriPrefix.length);
    assertObjectKey(key);
    return key;
  }

  async get(key: string, range?: { readonly start: number; readonly length: number }): Promise<Uint8Array> {
    assertObjectKey(key);
    return inTermsOfThePort(key, () => this.database.read(key, range));
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    assertObjectKey(key);
    inTermsOfThePort(key, () => this.database.insert(key, content, this.options.clock.nowUs()));
  }

  async putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    assertObjectKey(key);
    const content = await readFile(path).catch((cause: unknown) => {
      const message = `there is no file ${path} to store as ${key} (${(cause as Error).message})`;
      throw new PortError('not-found', message, { key, path }, { cause });
    });
    await this.putIfAbsent(key, content);
    await rm(path, { force: true });
    return { sizeBytes: content.length };
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    let after = '';
    for (;;) {
      const page = inTermsOfThePort(prefix, () => this.database.list(prefix, after, LIST_KEYS));
      yield* page;
      if (page.length < LIST_KEYS) return;
      after = page[page.length - 1].key;
    }
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    inTermsOfThePort(key, () => this.database.delete(key));
  }

  async localFile(key: string, signal?: AbortSignal): Promise<LocalFile> {
    signal?.throwIfAborted();
    assertObjectKey(key);
    const path = join(this.options.scratchDirectory, `${this.options.random.uuid()}.object`);
    const release = () => rmSync(path, { force: true });
    return inTermsOfThePort(key, () => {
      const file = openSync(path, 'wx');
      try {
        this.database.readChunks(key, (chunk) => writeSync(file, chunk));
      } catch (error) {
        release();
        throw error;
      } finally {
        closeSync(file);
      }
      return { path, release };
    });
  }

  /** K2 closes what has a `close` when it stops, although this port does not ask for one. */
  close(): void {
    this.database.close();
  }
}

/** A port tells its callers its own error kinds, never its technology's. */
function inTermsOfThePort<Result>(key: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (isPortError(cause)) throw cause;
    const message = `${key}: ${(cause as Error).message}; check the disk, and who else writes to the database`;
    throw new PortError('unavailable', message, { key }, { retryable: true, cause });
  }
}
