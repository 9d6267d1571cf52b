import { PortError } from '@k2/ports';
import { exactNumber } from './exact-number.ts';
import type { Query } from './postgres-pool.ts';

/** Null: nothing was committed yet. */
export async function lastCommitUs(query: Query): Promise<number | null> {
  const [row] = await query<{ committedUs: string }>('SELECT committed_us AS "committedUs" FROM k2_last_commit');
  return row === undefined ? null : exactNumber(row.committedUs, 'the time of the last commit');
}

/**
 * Every commit moves the one row, so it comes last: nobody is made to wait for longer than the COMMIT that follows takes.
 * A transaction that waited for the row compares with the value that the other one committed.
 */
export async function moveCommitTime(query: Query, committedUs: number): Promise<void> {
  const moved = await query(
    `INSERT INTO k2_last_commit AS stored (only_row, committed_us) VALUES (TRUE, $1)
     ON CONFLICT (only_row) DO UPDATE SET committed_us = EXCLUDED.committed_us
     WHERE stored.committed_us < EXCLUDED.committed_us
     RETURNING committed_us`,
    [committedUs],
  );
  if (moved.length > 0) return;
  const last = await lastCommitUs(query);
  const message = `a commit of ${committedUs} µs came after one of ${last} µs: take a later time and try again`;
  throw new PortError('commit-conflict', message, { committedUs, lastCommitUs: last }, { retryable: true });
}
