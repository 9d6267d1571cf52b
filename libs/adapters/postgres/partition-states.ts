import { PortError, type CatalogChange, type StateMove, type StoredState } from '@k2/ports';
import { assertOwnersMove, assertStateIsAsRead } from '@k2/ports/in-process';
import type { Query } from './postgres-pool.ts';

type StateMoves = CatalogChange['state'];

interface StateRow {
  readonly key: string;
  readonly value: string;
  readonly topic: string | null;
  readonly partition: number;
}

export async function storedStates(query: Query, keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
  const rows = await query<StateRow>('SELECT key, value, topic, partition FROM k2_state WHERE key = ANY($1::text[])', [
    keys,
  ]);
  return statesOf(rows);
}

/**
 * Moves states, or throws. Those that were absent are created first, then the others are locked, then written: who
 * creates may wait for a writer that has all its locks, and who locks never waits for rows that are being created. Within
 * creating and locking everybody takes the keys in one order.
 */
export async function moveStates(query: Query, change: CatalogChange): Promise<void> {
  if (change.state.size === 0) return;
  assertOwnersMove(change);
  const moves = [...change.state];
  const isCreated = ([, { value, was }]: (typeof moves)[number]) => was === 'absent' && value !== null;
  await createStates(query, moves.filter(isCreated));
  const others = moves.filter((move) => !isCreated(move));
  await assertStates(query, new Map(others));
  await writeStates(query, others);
}

/** Takes the locks of the states and holds the moves against the rows. */
async function assertStates(query: Query, state: StateMoves): Promise<void> {
  if (state.size === 0) return;
  // Only a state that is taken over is compared by its value; of the others it need not travel.
  const taken = [...state].flatMap(([key, { was }]) => (typeof was === 'string' ? [] : [key]));
  const rows = await query<StateRow>(
    `SELECT key, CASE WHEN key = ANY($2::text[]) THEN value ELSE '' END AS value, topic, partition
     FROM k2_state WHERE key = ANY($1::text[]) ORDER BY key COLLATE "C" FOR UPDATE`,
    [[...state.keys()], taken],
  );
  const stored = statesOf(rows);
  for (const [key, move] of state) assertStateIsAsRead(key, move, stored.get(key));
}

/** Writes what `assertStates` has found to be as expected. */
async function writeStates(query: Query, moves: readonly [string, StateMove][]): Promise<void> {
  // Not those that were absent: another writer may have made them since.
  const removed = moves.filter(([, { value, was }]) => value === null && was !== 'absent').map(([key]) => key);
  if (removed.length > 0) await query('DELETE FROM k2_state WHERE key = ANY($1::text[])', [removed]);
  const changed = moves.filter(([, { value }]) => value !== null);
  if (changed.length === 0) return;
  await query(
    `UPDATE k2_state AS stored SET value = move.value, topic = move.topic, partition = move.partition
     FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS move (key, value, topic, partition)
     WHERE stored.key = move.key`,
    columnsOf(changed),
  );
}

async function createStates(query: Query, created: readonly [string, StateMove][]): Promise<void> {
  if (created.length === 0) return;
  const rows = await query<{ key: string }>(
    `INSERT INTO k2_state (key, value, topic, partition)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS move (key, value, topic, partition)
     ORDER BY key COLLATE "C"
     ON CONFLICT DO NOTHING
     RETURNING key`,
    columnsOf(created),
  );
  if (rows.length === created.length) return;
  const inserted = new Set(rows.map(({ key }) => key));
  const lost = created.find(([key]) => !inserted.has(key))!;
  const [key, move] = lost;
  assertStateIsAsRead(key, move, (await storedStates(query, [key])).get(key));
  throw new PortError('progress-mismatch', `state ${key} was created by another writer: read it again`, { key });
}

function columnsOf(moves: readonly [string, StateMove][]): [string[], (string | null)[], string[], number[]] {
  return [
    moves.map(([key]) => key),
    moves.map(([, { value }]) => value),
    moves.map(([, { owner }]) => owner.topic),
    moves.map(([, { owner }]) => owner.partition),
  ];
}

function statesOf(rows: readonly StateRow[]): ReadonlyMap<string, StoredState> {
  return new Map(
    rows.map(({ key, value, topic, partition }) => [
      key,
      { value, owner: topic === null ? null : { topic, partition } },
    ]),
  );
}
