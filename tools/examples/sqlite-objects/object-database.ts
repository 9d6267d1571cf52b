import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { PortError, type ObjectSummary } from '@k2/ports';

/** What a read or a copy holds in memory beyond its result. */
const CHUNK_BYTES = 1 << 20;
/** A put waits this long for another process's. */
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, modified_us INTEGER NOT NULL, sha256 BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS chunks (
    key TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (key, number)
  ) STRICT;
`;

interface StoredObject {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/** The SQL. An object is a row and its chunks, written and deleted in one transaction. Throws as SQLite does, and PortError. */
export class ObjectDatabase {
  private readonly db: DatabaseSync;

  static open(path: string): ObjectDatabase {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      db.exec(SCHEMA);
    } catch (error) {
      db.close();
      throw error;
    }
    return new ObjectDatabase(db);
  }

  private constructor(db: DatabaseSync) {
    this.db = db;
  }

  /** Equal content is taken again; throws `already-exists` for other content. */
  insert(key: string, content: Uint8Array, nowUs: number): void {
    const sha256 = createHash('sha256').update(content).digest();
    // The lock is taken at once, so that nobody inserts the key between the look and the insert.
    this.transaction('IMMEDIATE', () => {
      const found = this.find(key);
      if (found === null) {
        this.db
          .prepare('INSERT INTO objects (key, size_bytes, modified_us, sha256) VALUES (?, ?, ?, ?)')
          .run(key, content.length, nowUs, sha256);
        const chunk = this.db.prepare('INSERT INTO chunks (key, number, content) VALUES (?, ?, ?)');
        for (let at = 0; at < content.length; at += CHUNK_BYTES)
          chunk.run(key, at / CHUNK_BYTES, content.subarray(at, at + CHUNK_BYTES));
      } else if (sha256.compare(found.sha256) !== 0) {
        throw new PortError('already-exists', `${key} exists with other content: objects are never overwritten`, {
          key,
        });
      }
    });
  }

  /** Throws `not-found` and `out-of-range`. */
  read(key: string, range?: { readonly start: number; readonly length: number }): Uint8Array {
    return this.transaction('DEFERRED', () => {
      const { sizeBytes } = this.get(key);
      const { start, length } = range ?? { start: 0, length: sizeBytes };
      if (start < 0 || length < 0 || start + length > sizeBytes) {
        const message = `${key} has ${sizeBytes} bytes: there are no ${length} from ${start} on`;
        throw new PortError('out-of-range', message, { key, start, length, sizeBytes });
      }
      const bytes = new Uint8Array(length);
      const first = Math.floor(start / CHUNK_BYTES);
      let at = first * CHUNK_BYTES - start;
      for (const chunk of this.chunks(key, first, Math.floor((start + length - 1) / CHUNK_BYTES))) {
        const from = Math.max(0, -at);
        bytes.set(chunk.subarray(from, Math.min(chunk.length, length - at)), at + from);
        at += chunk.length;
      }
      return bytes;
    });
  }

  /** Hands the content over piece by piece. Throws `not-found`. */
  readChunks(key: string, take: (chunk: Uint8Array) => void): void {
    this.transaction('DEFERRED', () => {
      this.get(key);
      for (const chunk of this.chunks(key, 0, Number.MAX_SAFE_INTEGER)) take(chunk);
    });
  }

  /** Up to `limit` keys with the prefix behind `after`, in order. */
  list(prefix: string, after: string, limit: number): ObjectSummary[] {
    // Keys are ASCII: the last character that follows the prefix is below 0x7f.
    return this.db
      .prepare(
        `SELECT key, size_bytes AS sizeBytes, modified_us AS modifiedUs FROM objects
         WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?`,
      )
      .all(prefix, `${prefix}\u007f`, after, limit) as unknown as ObjectSummary[];
  }

  delete(key: string): void {
    this.transaction('IMMEDIATE', () => {
      this.db.prepare('DELETE FROM chunks WHERE key = ?').run(key);
      this.db.prepare('DELETE FROM objects WHERE key = ?').run(key);
    });
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }

  private get(key: string): StoredObject {
    const found = this.find(key);
    if (found === null) throw new PortError('not-found', `there is no object ${key}`, { key });
    return found;
  }

  private find(key: string): StoredObject | null {
    const row = this.db.prepare('SELECT size_bytes AS sizeBytes, sha256 FROM objects WHERE key = ?').get(key);
    return (row as unknown as StoredObject | undefined) ?? null;
  }

  private *chunks(key: string, first: number, last: number): Iterable<Uint8Array> {
    const rows = this.db
      .prepare('SELECT content FROM chunks WHERE key = ? AND number BETWEEN ? AND ? ORDER BY number')
      .iterate(key, first, last);
    for (const { content } of rows) yield content as Uint8Array;
  }

  private transaction<Result>(mode: 'DEFERRED' | 'IMMEDIATE', work: () => Result): Result {
    this.db.exec(`BEGIN ${mode}`);
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has already ended it where the disk is full.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }
}
