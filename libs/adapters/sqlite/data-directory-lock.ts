import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@k2/ports';
import { PortError } from '@k2/ports/port-error';

/** `directory-locked`: another live process writes to the directory; `context` is its DirectoryHolder. */
export type DataDirectoryLockErrorKind = 'directory-locked';
export type DataDirectoryLockError = PortError<DataDirectoryLockErrorKind>;

export interface DirectoryHolder {
  /** Null if the holder is alive and has not said who it is. */
  readonly pid: number | null;
  readonly startedUs: number | null;
  /** Where its API listens; null while it has none. */
  readonly url: string | null;
  /** Its command line. */
  readonly command: string | null;
}

const UNNAMED: DirectoryHolder = { pid: null, startedUs: null, url: null, command: null };
/** A reader that looks whether the lock is held holds it itself for an instant. */
const ACQUIRE_WAIT_MS = 300;
/** A holder names itself right after it got the lock. */
const NAME_ATTEMPTS = 20;
const NAME_RETRY_MS = 10;

/**
 * One writer per data directory. The lock is an exclusive SQLite transaction held open on `DIR/lock.db`: the operating
 * system ends it with the process, however that dies. `DIR/server.json` only says who the holder is.
 */
export class DataDirectoryLock {
  private readonly directory: string;
  private readonly db: DatabaseSync;
  private holder: DirectoryHolder;

  /** Creates the directory if it is missing. Throws `directory-locked`, naming the holder. */
  static async acquire(
    directory: string,
    { command, clock }: { readonly command: string; readonly clock: Clock },
  ): Promise<DataDirectoryLock> {
    mkdirSync(directory, { recursive: true });
    const db = tryLock(directory, 'EXCLUSIVE');
    if (db === null) throw locked(directory, (await namedHolder(directory)) ?? UNNAMED);
    return new DataDirectoryLock(directory, db, { pid: process.pid, startedUs: clock.nowUs(), url: null, command });
  }

  private constructor(directory: string, db: DatabaseSync, holder: DirectoryHolder) {
    this.directory = directory;
    this.db = db;
    this.holder = holder;
    this.publish();
  }

  /** Tells others where the holder's API listens. */
  setUrl(url: string | null): void {
    this.holder = { ...this.holder, url };
    this.publish();
  }

  release(): void {
    if (!this.db.isOpen) return;
    rmSync(holderPath(this.directory), { force: true });
    this.db.close();
  }

  private publish(): void {
    const path = holderPath(this.directory);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(this.holder)}\n`);
    renameSync(`${path}.tmp`, path);
  }
}

/** Who writes to the directory now; null if nobody does. */
export async function readHolder(directory: string): Promise<DirectoryHolder | null> {
  if (!existsSync(lockPath(directory))) return null;
  const probe = tryLock(directory, 'SHARED');
  if (probe === null) return (await namedHolder(directory)) ?? UNNAMED;
  probe.close();
  return null;
}

/** Null if another connection, of this process or any other, has the lock. */
function tryLock(directory: string, mode: 'EXCLUSIVE' | 'SHARED'): DatabaseSync | null {
  const isExclusive = mode === 'EXCLUSIVE';
  const db = new DatabaseSync(lockPath(directory), {
    timeout: isExclusive ? ACQUIRE_WAIT_MS : 0,
    readOnly: !isExclusive,
  });
  try {
    // Reading the schema takes the shared lock.
    db.exec(isExclusive ? 'BEGIN EXCLUSIVE' : 'SELECT count(*) FROM sqlite_schema');
    return db;
  } catch (error) {
    db.close();
    const { errcode = 0 } = error as { errcode?: number };
    if ((errcode & 0xff) === SQLITE_BUSY) return null;
    throw error;
  }
}

const SQLITE_BUSY = 5;

/** The living process that server.json names; a file left by a dead one counts as none. */
async function namedHolder(directory: string): Promise<DirectoryHolder | null> {
  for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
    const holder = parseHolder(directory);
    if (typeof holder?.pid === 'number' && isAlive(holder.pid)) return holder;
    await sleep(NAME_RETRY_MS);
  }
  return null;
}

function parseHolder(directory: string): DirectoryHolder | null {
  try {
    return { ...UNNAMED, ...(JSON.parse(readFileSync(holderPath(directory), 'utf8')) as Partial<DirectoryHolder>) };
  } catch {
    // Missing, or not JSON: written by hand or cut off by a full disk. It is a courtesy, never the lock.
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function locked(directory: string, holder: DirectoryHolder): DataDirectoryLockError {
  const since = holder.startedUs === null ? '' : `, started ${new Date(holder.startedUs / 1_000).toISOString()}`;
  const where = holder.url === null ? '' : `, at ${holder.url}`;
  const who =
    holder.pid === null
      ? 'another process'
      : `process ${holder.pid} (${holder.command ?? 'unknown command'}${where}${since})`;
  return new PortError(
    'directory-locked',
    `${directory} is in use by ${who}: stop it, or choose another data directory`,
    {
      directory,
      ...holder,
    },
  );
}

const lockPath = (directory: string) => join(directory, 'lock.db');
const holderPath = (directory: string) => join(directory, 'server.json');
