import { DatabaseSync } from 'node:sqlite';

export interface DatabaseOptions {
  readonly pageBytes: number;
  /** Exclusive: no other connection may even read; SQLite then needs no shared memory. */
  readonly exclusive: boolean;
  readonly schema: string;
}

/** How long a statement waits for a lock of another connection before it fails. */
const BUSY_WAIT_MS = 10_000;
/** An exclusive file is free, or will be as soon as its last owner has finished dying. */
const EXCLUSIVE_WAIT_MS = 1_000;

/**
 * Committed pages are moved from the write-ahead file to the database when there are so many bytes of them, and the file is
 * then cut to as much. SQLite's own rule counts 1,000 pages, of whatever size, and never cuts. Larger is a single
 * transaction, and, of a catalog, what was committed while another engine read on.
 */
const WAL_BYTES = 4 * 2 ** 20;

/** Opens a database whose commits survive power loss: WAL, flushed at every commit (sqlite.org/pragma.html#pragma_synchronous). */
export function openDatabase(path: string, { pageBytes, exclusive, schema }: DatabaseOptions): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: exclusive ? EXCLUSIVE_WAIT_MS : BUSY_WAIT_MS });
  try {
    if (exclusive) db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec(
      `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON`,
    );
    db.exec(`PRAGMA wal_autocheckpoint = ${WAL_BYTES / pageBytes}; PRAGMA journal_size_limit = ${WAL_BYTES}`);
    inTransaction(db, () => db.exec(schema));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs `work` in one transaction that takes the write lock at once; any error rolls back. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite rolls back by itself on some errors (full disk, I/O); a second ROLLBACK would hide the reason.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
