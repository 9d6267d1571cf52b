import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  assertObjectKey,
  PortError,
  type Clock,
  type LocalFile,
  type ObjectStore,
  type ObjectSummary,
} from '@k2/ports';

interface StoredObject {
  readonly content: Uint8Array;
  readonly modifiedUs: number;
}

const URI_PREFIX = 'memory:///';

/** An ObjectStore for tests and simulation. Only `localFile` touches the disk: a temporary file until it is released. */
export class MemoryObjectStore implements ObjectStore {
  private readonly clock: Clock;
  private readonly objects = new Map<string, StoredObject>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  uri(key: string): string {
    assertObjectKey(key);
    return URI_PREFIX + key;
  }

  key(uri: string): string {
    const key = uri.startsWith(URI_PREFIX) ? uri.slice(URI_PREFIX.length) : '';
    if (key === '') throw new PortError('invalid-key', `${uri} is not in this store: expected ${URI_PREFIX}…`, { uri });
    assertObjectKey(key);
    return key;
  }

  async get(key: string, range?: { readonly start: number; readonly length: number }): Promise<Uint8Array> {
    const { content } = this.object(key);
    if (range === undefined) return content.slice();
    const { start, length } = range;
    if (start < 0 || length < 0 || start + length > content.byteLength) {
      const message = `${key} has ${content.byteLength} bytes: there are no ${length} from ${start} on`;
      throw new PortError('out-of-range', message, { key, ...range, sizeBytes: content.byteLength });
    }
    return content.slice(start, start + length);
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    assertObjectKey(key);
    const existing = this.objects.get(key);
    if (existing === undefined) this.objects.set(key, { content: content.slice(), modifiedUs: this.clock.nowUs() });
    else if (Buffer.compare(existing.content, content) !== 0) {
      throw new PortError('already-exists', `${key} exists with other content: objects are never overwritten`, { key });
    }
  }

  async putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    assertObjectKey(key);
    const content = await readFile(path).catch((cause: unknown) => {
      throw new PortError('not-found', `there is no file ${path} to store as ${key}`, { key, path }, { cause });
    });
    await this.putIfAbsent(key, content);
    await rm(path, { force: true });
    return { sizeBytes: content.byteLength };
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    for (const key of [...this.objects.keys()].filter((candidate) => candidate.startsWith(prefix)).sort()) {
      const object = this.objects.get(key);
      if (object !== undefined) yield { key, sizeBytes: object.content.byteLength, modifiedUs: object.modifiedUs };
    }
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    this.objects.delete(key);
  }

  async localFile(key: string, signal?: AbortSignal): Promise<LocalFile> {
    signal?.throwIfAborted();
    const { content } = this.object(key);
    const directory = await mkdtemp(join(tmpdir(), 'k2-object-'));
    const path = join(directory, basename(key));
    await writeFile(path, content);
    return { path, release: () => rmSync(directory, { recursive: true, force: true }) };
  }

  private object(key: string): StoredObject {
    assertObjectKey(key);
    const object = this.objects.get(key);
    if (object === undefined) throw new PortError('not-found', `there is no object ${key}`, { key });
    return object;
  }
}
