import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPortError, PortError, type Counter, type LocalFile, type ObjectStoreError, type Telemetry } from '@k2/ports';
import { filesIn, fileName, partialName, type CachedFileName } from './cache-directory.ts';
import { fileIdentity, localProblem, moveFile, withFile } from './local-files.ts';

export interface LocalFileCacheConfig {
  /** Made where it is missing. Belongs to one cache of one process: two in one directory remove each other's files. */
  readonly directory: string;
  /**
   * Bytes of the files kept; at the bound those go that were not used for longest. Files in use are never removed, and
   * may exceed it; a file larger than the bound is removed on its last release. Zero keeps nothing.
   */
  readonly bytesMax: number;
  /** Number of files kept, under the same rule. */
  readonly filesMax: number;
}

export interface FetchedFile {
  readonly sizeBytes: number;
  /** Of the content, in hex. */
  readonly sha256: string;
}

/**
 * Writes the content to `target`, which does not exist yet, and says what it is. Calls `reserve` as soon as the size is
 * known, so that room is made before it is needed. Throws PortErrors, which reach all who wait for the file. Aborted by
 * `isUnwanted` once nobody waits for it any longer.
 */
export type FetchFile = (
  target: string,
  reserve: (sizeBytes: number) => void,
  isUnwanted: AbortSignal,
) => Promise<FetchedFile>;

interface Entry {
  readonly id: string;
  sizeBytes: number;
  sha256: string;
  /** Null: not there yet. */
  path: string | null;
  /** Resolves when the file is whole; undefined: nobody has asked since the start of the process. */
  ready: Promise<string> | undefined;
  /** While the file is made to be there: aborts that. */
  preparing: AbortController | null;
  /** Callers who wait for the file or read it. */
  users: number;
  /** No longer to be given out; goes on its last release. */
  isForgotten: boolean;
}

/** Bits of a file's mode that a copy does not have: whatever reads it, user SQL above all, cannot change it. */
const WRITABLE = 0o222;

/** A file of this share of the bound is not adopted: one large write would drive out what readers use. */
const ADOPTED_SHARE_MAX = 1 / 8;

/**
 * Local copies of immutable remote objects, for engines that read files. An object is fetched once, however many ask for
 * it at a time; its file appears under its name when it is whole. Files survive the process: what an earlier one left is
 * adopted, and held against its SHA-256 when it is first asked for, so that no flush to disk is needed on the way in.
 */
export class LocalFileCache {
  private readonly config: LocalFileCacheConfig;
  private readonly telemetry: Telemetry;
  private readonly lookups: Counter;
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>();
  private readonly removals = new Set<Promise<void>>();
  /** Entries whose file is being fetched or checked, including those that have been dropped from `entries`. */
  private readonly pending = new Set<Entry>();
  private totalBytes = 0;
  /** Without files larger than the bound. */
  private boundedBytes = 0;

  /** Adopts whole files of an earlier process, and removes those that it left in the middle. */
  static async open(config: LocalFileCacheConfig, telemetry: Telemetry): Promise<LocalFileCache> {
    const cache = new LocalFileCache(config, telemetry);
    try {
      await mkdir(config.directory, { recursive: true });
      for (const file of await filesIn(config.directory)) cache.found(file);
      cache.evict();
    } catch (error) {
      throw localProblem(config.directory, error);
    }
    return cache;
  }

  private constructor(config: LocalFileCacheConfig, telemetry: Telemetry) {
    this.config = config;
    this.telemetry = telemetry;
    this.lookups = telemetry.counter(
      'k2_objects_cache_lookups',
      'Local files asked for, by outcome: hit, miss, or joined to a fetch under way.',
    );
    telemetry.gauge('k2_objects_cache_bytes', 'Bytes of local copies.', () => [[this.totalBytes, {}]]);
    telemetry.gauge('k2_objects_cache_files', 'Local copies, by state.', () => this.fileCounts());
  }

  /** `identity` names the object for good: the same identity, the same content. */
  async acquire(identity: string, fetch: FetchFile, signal?: AbortSignal): Promise<LocalFile> {
    signal?.throwIfAborted();
    const id = idOf(identity);
    const known = this.entries.get(id);
    this.lookups.add(1, { outcome: known === undefined ? 'miss' : known.path === null ? 'joined' : 'hit' });
    return this.lease(known ?? this.created(id), fetch, signal);
  }

  /** Takes over a file with an object's content, if there is room for it; otherwise leaves it where it is. */
  async adopt(identity: string, path: string, file: FetchedFile): Promise<void> {
    const id = idOf(identity);
    if (this.entries.has(id) || file.sizeBytes > this.config.bytesMax * ADOPTED_SHARE_MAX) return;
    const move = async (target: string, reserve: (sizeBytes: number) => void) => {
      reserve(file.sizeBytes);
      await moveFile(path, target);
      return file;
    };
    try {
      (await this.lease(this.created(id), move)).release();
    } catch (error) {
      this.telemetry.log('warn', 'a written file could not be kept as local copy', { path, error });
    }
  }

  /** The object is gone, and another may come under its name. Who reads the copy may go on. */
  forget(identity: string): void {
    const entry = this.entries.get(idOf(identity));
    if (entry === undefined) return;
    this.giveUp(entry);
    if (entry.users === 0) this.discard(entry);
  }

  /** Aborts pending fetches, and waits for them and for pending removals. Complete files stay for the next process. */
  async close(): Promise<void> {
    for (const { preparing } of this.pending) preparing?.abort(unwanted());
    await Promise.allSettled(Array.from(this.pending, ({ ready }) => ready));
    await Promise.all(this.removals);
  }

  private found({ id, path, sizeBytes, sha256 }: CachedFileName & { readonly path: string }): void {
    const entry = this.created(id);
    entry.path = path;
    entry.sha256 = sha256;
    entry.sizeBytes = sizeBytes;
    this.count(entry, 1);
  }

  private created(id: string): Entry {
    const nothing = { sizeBytes: 0, sha256: '', path: null, ready: undefined, preparing: null };
    const entry: Entry = { id, ...nothing, users: 0, isForgotten: false };
    this.entries.set(id, entry);
    return entry;
  }

  private async lease(entry: Entry, fetch: FetchFile, signal?: AbortSignal): Promise<LocalFile> {
    entry.users++;
    if (!entry.isForgotten) {
      this.entries.delete(entry.id);
      this.entries.set(entry.id, entry);
    }
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      entry.users--;
      this.left(entry);
    };
    try {
      entry.ready ??= this.prepared(entry, fetch);
      const path = await untilAborted(entry.ready, signal);
      const discard = () => {
        if (!entry.isForgotten)
          this.telemetry.log('warn', 'a local copy is not what it should be and is fetched again', { path });
        this.giveUp(entry);
        release();
      };
      return { path, release, discard };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** One who waited for the file, or read it, has left. */
  private left(entry: Entry): void {
    const isUnused = entry.users === 0;
    if (isUnused && entry.preparing !== null) {
      // Discarded once that has come to its end.
      this.giveUp(entry);
      entry.preparing.abort(unwanted());
    } else if (isUnused && (entry.isForgotten || this.isOversize(entry))) this.discard(entry);
    else this.evict();
  }

  /** Makes the file be there, and whole. */
  private async prepared(entry: Entry, fetch: FetchFile): Promise<string> {
    const preparing = new AbortController();
    entry.preparing = preparing;
    this.pending.add(entry);
    try {
      return await this.copied(entry, fetch, preparing.signal);
    } finally {
      entry.preparing = null;
      this.pending.delete(entry);
      if (entry.users === 0) this.discard(entry);
    }
  }

  private async copied(entry: Entry, fetch: FetchFile, isUnwanted: AbortSignal): Promise<string> {
    const adopted = entry.path;
    if (adopted !== null) {
      if (await isWhole(adopted, entry)) return adopted;
      this.telemetry.log('warn', 'a local copy was damaged and is fetched again', { path: adopted });
      entry.path = null;
      this.remove(adopted);
    }
    const target = join(this.config.directory, partialName(randomUUID()));
    try {
      const file = await fetch(target, (sizeBytes) => this.resize(entry, sizeBytes), isUnwanted);
      const { size, mode } = await stat(target);
      if (size !== file.sizeBytes) throw new Error(`${size} bytes are there where ${file.sizeBytes} were written`);
      this.resize(entry, size);
      const path = join(this.config.directory, fileName({ id: entry.id, ...file }, randomUUID()));
      await chmod(target, mode & ~WRITABLE);
      await rename(target, path);
      entry.sha256 = file.sha256;
      entry.path = path;
      return path;
    } catch (error) {
      this.remove(target);
      this.giveUp(entry);
      throw isPortError(error) ? error : localProblem(target, error);
    }
  }

  /** Who asks next tries anew. */
  private giveUp(entry: Entry): void {
    entry.isForgotten = true;
    if (this.entries.get(entry.id) === entry) this.entries.delete(entry.id);
  }

  /** Goes by itself when it is released: nothing else has to make room for it. */
  private isOversize({ sizeBytes }: Entry): boolean {
    return sizeBytes > this.config.bytesMax || this.config.filesMax === 0;
  }

  private resize(entry: Entry, sizeBytes: number): void {
    this.count(entry, -1);
    entry.sizeBytes = sizeBytes;
    this.count(entry, 1);
    this.evict();
  }

  private count(entry: Entry, sign: 1 | -1): void {
    this.totalBytes += sign * entry.sizeBytes;
    if (!this.isOversize(entry)) this.boundedBytes += sign * entry.sizeBytes;
  }

  private evict(): void {
    const { bytesMax, filesMax } = this.config;
    const isAboveBound = () => this.boundedBytes > bytesMax || this.entries.size > filesMax;
    if (!isAboveBound()) return;
    for (const entry of this.entries.values()) {
      if (entry.users === 0) this.discard(entry);
      if (!isAboveBound()) return;
    }
  }

  private discard(entry: Entry): void {
    if (this.entries.get(entry.id) === entry) this.entries.delete(entry.id);
    this.count(entry, -1);
    entry.sizeBytes = 0;
    if (entry.path !== null) this.remove(entry.path);
    entry.path = null;
  }

  private remove(path: string): void {
    const removal = rm(path, { force: true })
      .catch((error: unknown) => this.telemetry.log('warn', 'a local copy could not be removed', { path, error }))
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }

  private *fileCounts(): Iterable<readonly [number, Readonly<Record<string, string>>]> {
    let inUse = 0;
    for (const { users } of this.entries.values()) if (users > 0) inUse++;
    yield [inUse, { state: 'in-use' }];
    yield [this.entries.size - inUse, { state: 'kept' }];
  }
}

function idOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

function unwanted(): ObjectStoreError {
  return new PortError('unavailable', 'nobody waits for the local copy any longer', {}, { retryable: true });
}

/** The promise, or the signal's reason if that is first. The promise goes on. */
function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

async function isWhole(path: string, expected: FetchedFile): Promise<boolean> {
  try {
    const { sizeBytes, sha256 } = await withFile(path, 'r', fileIdentity);
    return sizeBytes === expected.sizeBytes && sha256 === expected.sha256;
  } catch {
    return false;
  }
}
