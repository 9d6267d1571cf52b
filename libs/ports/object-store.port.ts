import type { PortError } from './port-error.ts';

/**
 * `not-found`: no object of that key. `already-exists`: put-if-absent found other content under the key.
 * `unavailable`: the store did not answer; a put's outcome is then unknown and may be repeated: puts are if-absent.
 * `disk-full`: nothing was done, and the same call succeeds once there is room.
 * `damaged`: the content is not what the key's name says it is (`namedDigest`), and will not be by itself.
 * `invalid-key`: see `assertObjectKey`. `out-of-range`: the range asked for lies outside the object.
 */
export type ObjectStoreErrorKind =
  'not-found' | 'already-exists' | 'unavailable' | 'disk-full' | 'damaged' | 'invalid-key' | 'out-of-range';
export type ObjectStoreError = PortError<ObjectStoreErrorKind>;

export interface ObjectSummary {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedUs: number;
}

/** A local file with an object's content; `release` when it is no longer read. */
export interface LocalFile {
  readonly path: string;
  release(): void;
  /**
   * As `release`, and the copy is given to nobody else: who asks next gets the object fetched anew. Absent: the file is
   * the object itself, or made for this call.
   */
  discard?(): void;
}

/** Immutable objects by key (`a/b/c.parquet`, see `assertObjectKey`). An object is visible whole or not at all, and durable once put. */
export interface ObjectStore {
  /** URI under which other engines find the object: `file:///…`, `s3://bucket/…`. */
  uri(key: string): string;
  /** Inverse of `uri`; throws `invalid-key` for a URI outside this store. */
  key(uri: string): string;
  get(key: string, range?: { readonly start: number; readonly length: number }): Promise<Uint8Array>;
  /** Repeating a put with equal content succeeds. */
  putIfAbsent(key: string, content: Uint8Array): Promise<void>;
  /** Takes a local file over: afterwards the path may be gone. */
  putFileIfAbsent(key: string, path: string): Promise<{ readonly sizeBytes: number }>;
  /** Keys with the prefix, in key order. */
  list(prefix: string): AsyncIterable<ObjectSummary>;
  /** Deleting what is not there succeeds. */
  delete(key: string): Promise<void>;
  /**
   * Rejects with the signal's reason once that has aborted; then what was fetched for this call alone is fetched no
   * further, and nothing of it is left.
   */
  localFile(key: string, signal?: AbortSignal): Promise<LocalFile>;
}
