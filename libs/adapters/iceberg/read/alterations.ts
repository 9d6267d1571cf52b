import type { Alteration } from '@k2/domain/lake';
import { alterationsAfter, isOwn, lastCommit, recordedAlterations, type LastCommit } from '../commit/custody.ts';
import { snapshotById, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { contentDifference, rowCountOf, type PartitionDifference } from './content-difference.ts';

/**
 * Every alteration of a table's rows up to a snapshot. A snapshot of K2 says it itself. One of another engine is compared
 * with the snapshot of K2 that it stands on, and so is one of K2 that the table was returned to.
 *
 * What another engine merely rewrote (`replace`, and as many rows in each partition as before) is no alteration. Where
 * the snapshots in between have been expired, nobody can tell which rows were changed: the whole table was then.
 */
export function alterationsOf(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  files: TableFiles,
): Promise<readonly Alteration[]> {
  // Metadata never changes: what was found of a snapshot in it stays so.
  let known = found.get(metadata);
  if (known === undefined) found.set(metadata, (known = new Map()));
  const id = snapshot?.['snapshot-id'] ?? null;
  let alterations = known.get(id);
  if (alterations === undefined) {
    alterations = alterationsAnew(metadata, snapshot, files);
    known.set(id, alterations);
    // Something that could not be read may be readable the next time.
    alterations.catch(() => known.delete(id));
  }
  return alterations;
}

const found = new WeakMap<TableMetadata, Map<bigint | null, Promise<readonly Alteration[]>>>();

async function alterationsAnew(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  files: TableFiles,
): Promise<readonly Alteration[]> {
  const last = lastCommit(metadata);
  // Earlier snapshots are judged by what led to them, not by what came later.
  const isCurrent = (snapshot?.['snapshot-id'] ?? null) === (metadata['current-snapshot-id'] ?? null);
  const { own, others, isWhole } = lineage(metadata, snapshot);
  if (isWhole && (!isCurrent || (own?.['snapshot-id'] ?? null) === (last?.snapshotId ?? null))) {
    return alterationsAfter(
      own === null ? ((isCurrent ? last?.alterations : null) ?? []) : recordedAlterations(own),
      await othersChanges(metadata, own, others, files),
    );
  }
  const expected = isCurrent ? last : await newestBefore(metadata, snapshot, files);
  const keptId = expected?.snapshotId ?? null;
  const kept = keptId === null ? undefined : snapshotById(metadata, keptId);
  const operation = isWhole ? 'rollback' : (others.at(-1)?.summary.operation ?? 'unknown');
  if (kept !== undefined && isCurrent) {
    const differences = await contentDifference(metadata, kept, snapshot, files);
    return alterationsAfter(expected!.alterations, made(differences, snapshot, metadata, operation));
  }
  return unprovable(metadata, snapshot, { expected, others, operation }, files);
}

interface Lineage {
  /** The newest ancestor that K2 committed, the snapshot itself among them; null where there is none. */
  readonly own: Snapshot | null;
  /** Those after it that others committed, oldest first. */
  readonly others: readonly Snapshot[];
  /** False: an ancestor on the way there has been expired. */
  readonly isWhole: boolean;
}

function lineage(metadata: TableMetadata, snapshot: Snapshot | null): Lineage {
  const others: Snapshot[] = [];
  for (let one = snapshot; one !== null;) {
    if (isOwn(one)) return { own: one, others: others.reverse(), isWhole: true };
    others.push(one);
    const parentId = one['parent-snapshot-id'];
    if (parentId === undefined) break;
    const parent = snapshotById(metadata, parentId);
    if (parent === undefined) return { own: null, others: others.reverse(), isWhole: false };
    one = parent;
  }
  return { own: null, others: others.reverse(), isWhole: true };
}

async function othersChanges(
  metadata: TableMetadata,
  own: Snapshot | null,
  others: readonly Snapshot[],
  files: TableFiles,
): Promise<readonly Alteration[]> {
  const alterations: Alteration[] = [];
  let parent = own;
  for (const snapshot of others) {
    const { operation } = snapshot.summary;
    const differences = await contentDifference(metadata, parent, snapshot, files);
    const changed = differences.filter(
      ({ removedRows, addedRows }) => operation !== 'replace' || removedRows !== addedRows,
    );
    alterations.push(...made(changed, snapshot, metadata, operation));
    parent = snapshot;
  }
  return alterations;
}

function made(
  differences: readonly PartitionDifference[],
  snapshot: Snapshot | null,
  metadata: TableMetadata,
  operation: string,
): readonly Alteration[] {
  return differences.map((difference) => ({
    cause: 'other-engine',
    ...difference,
    snapshotId: snapshot?.['snapshot-id'] ?? null,
    committedUs: (snapshot?.['timestamp-ms'] ?? metadata['last-updated-ms']) * 1_000,
    operation,
  }));
}

/** K2's newest snapshot that is older, as a commit. */
async function newestBefore(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  files: TableFiles,
): Promise<LastCommit | null> {
  const before = metadata.snapshots
    .filter((one) => isOwn(one) && one['sequence-number'] < (snapshot?.['sequence-number'] ?? Infinity))
    .toSorted((a, b) => a['sequence-number'] - b['sequence-number'])
    .at(-1);
  if (before === undefined) return null;
  return {
    snapshotId: before['snapshot-id'],
    rowCount: await rowCountOf(before, files),
    alterations: recordedAlterations(before),
  };
}

/** Rewrites alone, and as many rows as before, are taken for what they say they are; anything else for a change. */
async function unprovable(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  of: { readonly expected: LastCommit | null; readonly others: readonly Snapshot[]; readonly operation: string },
  files: TableFiles,
): Promise<readonly Alteration[]> {
  const { expected, others, operation } = of;
  const rowsBefore = expected?.rowCount ?? 0;
  const rowsAfter = await rowCountOf(snapshot, files);
  const known = expected?.alterations ?? [];
  const areRewrites = others.length > 0 && others.every(({ summary }) => summary.operation === 'replace');
  if (areRewrites && rowsBefore === rowsAfter) return known;
  const anywhere = {
    exchange: null,
    fromUs: null,
    toUs: null,
    removedRows: Math.max(0, rowsBefore - rowsAfter),
    addedRows: Math.max(0, rowsAfter - rowsBefore),
  };
  return alterationsAfter(known, made([anywhere], snapshot, metadata, operation));
}
