import { rm } from 'node:fs/promises';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  PortError,
  RESERVED_NAME_PREFIX,
  assertObjectKey,
  assertObjectKeyPrefix,
  isObjectKey,
  isPortError,
  type Clock,
  type LocalFile,
  type ObjectStore,
  type ObjectSummary,
  type Scheduler,
  type Telemetry,
} from '@k2/ports';
import { ConditionalWriter, sha256Of, type ContentIdentity } from './conditional-writer.ts';
import { LocalFileCache, type FetchFile, type FetchedFile } from './local-file-cache.ts';
import { fileIdentity, filePart, onDisk, withFile } from './local-files.ts';
import { MultipartUploads } from './multipart-upload.ts';
import { ObjectReader, SHA256_METADATA, collected, type ObjectBody } from './object-reader.ts';
import { probe } from './probe.ts';
import { assertInside, outOfRange, parseContentRange, rangeHeader, type ByteRange } from './range.ts';
import { resolvedConfig, type S3ObjectStoreConfig, type S3RequiredConfig } from './s3-config.ts';
import { FailedRequest, notFound, statusOf } from './s3-error.ts';
import { S3Requests, signedWith } from './s3-requests.ts';
import { Semaphore } from './semaphore.ts';

export interface S3ObjectStorePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** An upload in parts this old belongs to a process that died. */
const UPLOAD_AGE_MS_MAX = 86_400_000;

/**
 * Objects in a folder of an S3 bucket. A put is conditional (`If-None-Match: *`), so the server must honour that; its
 * content's SHA-256 goes along as metadata, by which a put whose outcome is unknown is told from a conflict. Where nothing
 * answers, a request ends after some `attemptsMax` × `idleTimeoutMs`, and a put after two or three requests.
 */
export class S3ObjectStore implements ObjectStore {
  private readonly config: S3ObjectStoreConfig;
  private readonly requests: S3Requests;
  private readonly reader: ObjectReader;
  private readonly writer: ConditionalWriter;
  private readonly uploads: MultipartUploads;
  private readonly uploadMemory: Semaphore;
  private readonly cache: LocalFileCache;
  private readonly keyPrefix: string;
  private readonly uriPrefix: string;

  /**
   * Tries the server out (`probe`) and removes what died processes left. Throws RangeError for a value that cannot be,
   * `unavailable` for a bucket that cannot be used as it must be.
   */
  static async open(
    config: S3RequiredConfig & Partial<S3ObjectStoreConfig>,
    ports: S3ObjectStorePorts,
  ): Promise<S3ObjectStore> {
    const resolved = resolvedConfig(config);
    const cacheConfig = {
      directory: resolved.cacheDirectory,
      bytesMax: resolved.cacheBytesMax,
      filesMax: resolved.cacheFilesMax,
    };
    const store = new S3ObjectStore(resolved, ports, await LocalFileCache.open(cacheConfig, ports.telemetry));
    try {
      await store.tryOut(ports);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  private constructor(config: S3ObjectStoreConfig, ports: S3ObjectStorePorts, cache: LocalFileCache) {
    this.config = config;
    this.requests = new S3Requests(config, ports);
    this.reader = new ObjectReader(this.requests, ports.scheduler, config.attemptsMax);
    this.writer = new ConditionalWriter(this.requests, this.reader, ports.scheduler);
    this.uploadMemory = new Semaphore(config.uploadBytesMax, config.requestsWaitingMax, 'uploads to S3');
    const { requests, writer, uploadMemory: memory } = this;
    this.uploads = new MultipartUploads({ requests, writer, memory, telemetry: ports.telemetry }, config.partBytes);
    this.cache = cache;
    this.keyPrefix = config.prefix === '' ? '' : `${config.prefix}/`;
    this.uriPrefix = `s3://${config.bucket}/${this.keyPrefix}`;
  }

  uri(key: string): string {
    assertObjectKey(key);
    return this.uriPrefix + key;
  }

  key(uri: string): string {
    // Hadoop's file systems say `s3a`.
    const full = uri.replace(/^s3a:/, 's3:');
    if (!full.startsWith(this.uriPrefix)) {
      const message = `${uri} is not in this store: expected ${this.uriPrefix}…`;
      throw new PortError('invalid-key', message, { uri, expectedPrefix: this.uriPrefix });
    }
    const key = full.slice(this.uriPrefix.length);
    assertObjectKey(key);
    return key;
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    const fullKey = this.fullKey(key);
    return this.requests.crossing(key, () =>
      range === undefined ? this.reader.read(fullKey, undefined, collected) : this.readRange(key, fullKey, range),
    );
  }

  async putIfAbsent(key: string, content: Uint8Array): Promise<void> {
    const fullKey = this.fullKey(key);
    const identity = { sizeBytes: content.byteLength, sha256: sha256Of(content) };
    await this.requests.crossing(key, () =>
      this.writer.write(key, fullKey, identity, () => this.putWhole(fullKey, content, identity)),
    );
  }

  async putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }> {
    const content = await this.sendFile(key, path);
    if (this.config.cacheWrites) await this.cache.adopt(this.identity(key), path, content);
    await rm(path, { force: true }).catch(() => undefined);
    return { sizeBytes: content.sizeBytes };
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    assertObjectKeyPrefix(prefix);
    let token: string | undefined;
    do {
      const page = await this.requests.crossing(prefix, () =>
        this.requests.run('ListObjectsV2', (client) => {
          const from = token === undefined ? {} : { ContinuationToken: token };
          const Prefix = this.keyPrefix + prefix;
          return client.send(new ListObjectsV2Command({ Bucket: this.config.bucket, Prefix, ...from }));
        }),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        const key = Key!.slice(this.keyPrefix.length);
        // Other programs' objects: folder markers, names with blanks.
        if (!isObjectKey(key)) continue;
        yield { key, sizeBytes: Size ?? 0, modifiedUs: (LastModified?.getTime() ?? 0) * 1_000 };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.config.bucket, Key: this.fullKey(key) });
    this.cache.forget(this.identity(key));
    await this.requests.crossing(key, async () => {
      try {
        await this.requests.run('DeleteObject', (client) => client.send(command));
      } catch (error) {
        if (!(error instanceof FailedRequest) || error.code !== 'NoSuchKey') throw error;
      }
    });
  }

  /** A copy in the cache. Objects are immutable: one that another process deleted is still given from there. */
  async localFile(key: string, signal?: AbortSignal): Promise<LocalFile> {
    const fullKey = this.fullKey(key);
    const fetch: FetchFile = (target, reserve, isUnwanted) =>
      this.requests.crossing(key, () => this.download(fullKey, target, reserve, isUnwanted));
    return this.cache.acquire(this.identity(key), fetch, signal);
  }

  /** Requests in flight fail. Files of the cache stay. */
  async close(): Promise<void> {
    this.requests.close();
    await this.cache.close();
  }

  private fullKey(key: string): string {
    assertObjectKey(key);
    return this.keyPrefix + key;
  }

  /** Of an object, for the cache: one directory may have served another server before. */
  private identity(key: string): string {
    return `${this.config.endpoint ?? this.config.region} ${this.uriPrefix}${key}`;
  }

  private async tryOut({ clock, telemetry }: S3ObjectStorePorts): Promise<void> {
    const nowMs = clock.nowUs() / 1_000;
    const folder = `${this.keyPrefix}${RESERVED_NAME_PREFIX}probe/`;
    await this.requests.crossing(folder, () => probe(this.requests, folder, this.config, nowMs));
    await this.uploads.abortAbandoned(this.keyPrefix, nowMs - UPLOAD_AGE_MS_MAX).catch((error: unknown) => {
      // Not every policy allows it, and nothing but space depends on it.
      telemetry.log('warn', 'uploads in parts that died processes left could not be listed', { error });
    });
  }

  private async readRange(key: string, fullKey: string, range: ByteRange): Promise<Uint8Array> {
    assertInside(key, range, null);
    if (range.length === 0) {
      const found = await this.writer.head(fullKey);
      if (found === null) throw notFound(key);
      assertInside(key, range, found.sizeBytes);
      return new Uint8Array(0);
    }
    try {
      return await this.reader.read(fullKey, rangeHeader(range), async (body) => {
        const answered = parseContentRange(body.contentRange ?? '');
        if (answered?.start !== range.start) {
          throw new PortError('unavailable', `the S3 server ignores ranges: it gave all of ${key}`, { key });
        }
        assertInside(key, range, answered.totalBytes);
        return collected(body);
      });
    } catch (error) {
      throw statusOf(error) === 416 ? outOfRange(key, range, null) : error;
    }
  }

  private async putWhole(fullKey: string, content: Uint8Array, { sizeBytes, sha256 }: ContentIdentity): Promise<void> {
    await this.requests.run('PutObject', (client) => {
      const command = new PutObjectCommand({
        Bucket: this.config.bucket,
        Key: fullKey,
        Body: content,
        ContentLength: sizeBytes,
        Metadata: { [SHA256_METADATA]: sha256 },
        IfNoneMatch: '*',
      });
      command.middlewareStack.add(signedWith(sha256), { step: 'build' });
      return client.send(command);
    });
    this.requests.countBytes('up', sizeBytes);
  }

  private async sendFile(key: string, path: string): Promise<ContentIdentity> {
    const fullKey = this.fullKey(key);
    const sending = withFile(path, 'r', async (file) => {
      const content = await onDisk(path, () => fileIdentity(file));
      const { sizeBytes } = content;
      const read = (start: number, length: number) => onDisk(path, () => filePart(file, start, length));
      const send = async () => {
        if (sizeBytes >= this.config.multipartBytesMin) return this.uploads.put(fullKey, read, content);
        const putWhole = async () => this.putWhole(fullKey, (await read(0, sizeBytes)).bytes, content);
        return this.uploadMemory.use(sizeBytes, putWhole);
      };
      await this.requests.crossing(key, () => this.writer.write(key, fullKey, content, send));
      return content;
    });
    return sending.catch((error: unknown) => {
      if (!isPortError(error) || error.context.code !== 'ENOENT') throw error;
      const message = `there is no file ${path} to store as ${key}`;
      throw new PortError('not-found', message, { key, localPath: path }, { cause: error });
    });
  }

  private download(
    fullKey: string,
    target: string,
    reserve: (sizeBytes: number) => void,
    isUnwanted: AbortSignal,
  ): Promise<FetchedFile> {
    const write = async ({ sizeBytes, chunks, hash }: ObjectBody) => {
      reserve(sizeBytes);
      return withFile(target, 'w', async (file) => {
        for await (const chunk of chunks) await onDisk(target, () => file.writeFile(chunk));
        return { sizeBytes, sha256: hash!.digest('hex') };
      });
    };
    return this.reader.read(fullKey, undefined, write, isUnwanted);
  }
}
