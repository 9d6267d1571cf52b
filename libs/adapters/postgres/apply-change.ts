import type { CatalogChange } from '@k2/ports';
import { forgetOldChanges, recordChange } from './change-record.ts';
import { moveCommitTime } from './commit-time.ts';
import { assertClaimsHold } from './partition-progress.ts';
import { moveStates } from './partition-states.ts';
import type { Query } from './postgres-pool.ts';
import { assertPointers, createTables, pointerColumns } from './table-pointers.ts';

/** Rows of tables and partitions are locked by now. */
const WRITE = `
  WITH moved AS (
    UPDATE k2_progress AS stored SET next_offset = move.next_offset
    FROM unnest($1::text[], $2::int[], $3::bigint[]) AS move (topic, partition, next_offset)
    WHERE stored.topic = move.topic AND stored.partition = move.partition
  )
  UPDATE iceberg_tables AS stored
  SET metadata_location = move.next, previous_metadata_location = stored.metadata_location
  FROM unnest($5::text[], $6::text[], $7::text[]) AS move (namespace, name, next)
  WHERE catalog_name = $4 AND table_namespace = move.namespace AND table_name = move.name`;

/**
 * Within one transaction. Locks are taken in one order by all: the change's id, partitions, tables, new tables, new
 * states, states, each of them sorted, then the time of the last commit; so no two changes wait for each other. Claims come
 * before pointers: a fenced writer learns that it is fenced, not that it should re-base and try again.
 */
export async function applyChange(query: Query, change: CatalogChange, appliedUs: number): Promise<void> {
  const { changeId, committedUs, tables, progress } = change;
  const sequence = await recordChange(query, changeId, appliedUs);
  if (sequence === null) return;
  await assertClaimsHold(query, progress);
  await assertPointers(query, tables);
  await createTables(query, tables);
  await query(WRITE, [...progressColumns(progress), ...pointerColumns(tables)]);
  await moveStates(query, change);
  await forgetOldChanges(query, sequence);
  await moveCommitTime(query, committedUs);
}

function progressColumns(moves: CatalogChange['progress']): [string[], number[], number[]] {
  // The last move of a partition says where it ends.
  const last = [...new Map(moves.map((move) => [`${move.claim.topic}/${move.claim.partition}`, move])).values()];
  return [
    last.map(({ claim }) => claim.topic),
    last.map(({ claim }) => claim.partition),
    last.map(({ nextOffset }) => nextOffset),
  ];
}
