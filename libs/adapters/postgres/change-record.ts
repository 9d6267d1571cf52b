import type { Query } from './postgres-pool.ts';

/** Changes remembered at least. */
const CHANGES_KEPT = 10_000;
/** Rows between one clean-up and the next. */
const CLEAN_UP_EVERY = 1_000;

/**
 * Records a change that is about to be made; null: it was made before.
 *
 * The row's unique key is what keeps an unknown outcome from being answered too early: while another transaction holds
 * a row of the same id that is neither committed nor undone, because it lost its client and is still at work in the
 * server, PostgreSQL lets this insert wait until that transaction has ended.
 */
export async function recordChange(query: Query, changeId: string, appliedUs: number): Promise<number | null> {
  const rows = await query<{ sequence: string }>(
    'INSERT INTO k2_changes (change_id, applied_us) VALUES ($1, $2) ON CONFLICT (change_id) DO NOTHING RETURNING sequence',
    [changeId, appliedUs],
  );
  return rows.length === 0 ? null : Number(rows[0].sequence);
}

/** Now and then. Rows that another transaction is removing are left to it. */
export async function forgetOldChanges(query: Query, sequence: number): Promise<void> {
  if (sequence % CLEAN_UP_EVERY !== 0) return;
  await query(
    `DELETE FROM k2_changes WHERE sequence IN (
       SELECT sequence FROM k2_changes
       WHERE sequence <= (SELECT sequence FROM k2_changes ORDER BY sequence DESC OFFSET $1 LIMIT 1)
       FOR UPDATE SKIP LOCKED)`,
    [CHANGES_KEPT],
  );
}
