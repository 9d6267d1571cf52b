import { stat } from 'node:fs/promises';
import {
  namedDigest,
  PortError,
  type LocalFile,
  type ObjectStore,
  type ObjectStoreError,
  type ObjectSummary,
} from '@k2/ports';
import { LruCache } from '../lru-cache.ts';
import { digestOf } from './digest.ts';
import { DigestThread } from './digest-thread.ts';
import { soundFile } from './sound-file.ts';

/** Files known to be sound; the least recently read is read anew when it is asked for again. */
const SOUND_FILES_MAX = 65_536;

/**
 * Objects whose content is what their name says, or an error that names them: Parquet's pages are written without
 * checksums and Avro's blocks have none, so that a flipped bit would otherwise be another price. An object is read whole
 * and compared when this process first opens it, and again once the file system says that it is another file. What the
 * disk loses behind a file that looks the same is found by the next process, or by the scrubbing that reads all again.
 */
export class CheckedObjectStore implements ObjectStore {
  private readonly objects: ObjectStore;
  private readonly thread = new DigestThread();
  /** By path: the file's identity when its content was right. */
  private readonly sound = new LruCache<string>(SOUND_FILES_MAX);
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(objects: ObjectStore) {
    this.objects = objects;
  }

  uri(key: string): string {
    return this.objects.uri(key);
  }

  key(uri: string): string {
    return this.objects.key(uri);
  }

  async get(key: string, range?: { readonly start: number; readonly length: number }): Promise<Uint8Array> {
    const content = await this.objects.get(key, range);
    const expected = range === undefined ? namedDigest(key) : null;
    if (expected !== null && digestOf(content) !== expected) throw damaged(key, content.length);
    return content;
  }

  putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    return this.objects.putIfAbsent(key, content);
  }

  putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    return this.objects.putFileIfAbsent(key, path);
  }

  list(prefix: string): AsyncIterable<ObjectSummary> {
    return this.objects.list(prefix);
  }

  delete(key: string): Promise<void> {
    return this.objects.delete(key);
  }

  async localFile(key: string, signal?: AbortSignal): Promise<LocalFile> {
    const expected = namedDigest(key);
    if (expected === null) return this.objects.localFile(key, signal);
    const fetch = () => this.objects.localFile(key, signal);
    return soundFile(fetch, (path) => this.check(key, path, expected));
  }

  /** A second request for a file that is being read waits for the first. */
  private check(key: string, path: string, expected: string): Promise<void> {
    const known = this.underWay.get(path);
    if (known !== undefined) return known;
    const check = this.checkNow(key, path, expected).finally(() => this.underWay.delete(path));
    this.underWay.set(path, check);
    return check;
  }

  private async checkNow(key: string, path: string, expected: string): Promise<void> {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    const identity = `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    if (this.sound.get(path) === identity) return;
    if ((await this.thread.digest(path)) !== expected) throw damaged(key, Number(size));
    this.sound.set(path, identity, 1);
  }
}

export function damaged(key: string, sizeBytes: number): ObjectStoreError {
  const message = `${key} is damaged: its ${sizeBytes} bytes are not those that were written; restore the file from a backup`;
  return new PortError('damaged', message, { key, sizeBytes });
}
