import type { SnapshotRetention } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import type { Clock, ExpiryReport, MaintenanceOptions, ObjectStore, Telemetry } from '@k2/ports';
import type { TableMetadata } from '../format/metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { throwIfCancelled } from './cancelled.ts';
import type { SnapshotLimits } from './changed-snapshot.ts';
import { deleteObjects, sizeOf } from './delete-objects.ts';
import type { Base, Change, MaintenanceCommits } from './maintenance-commits.ts';
import type { NamedFiles } from './named-files.ts';
import { retainedSnapshots } from './retained-snapshots.ts';
import { checkMayDelete } from './table-permissions.ts';
import { unneededFiles } from './unneeded-files.ts';
import { withoutSnapshots } from './without-snapshots.ts';

export interface ExpiryLimits extends SnapshotLimits {
  /** A snapshot is kept at least this long after it was current; so long can a scan of the newest rows take. */
  readonly readerGraceMs: number;
  readonly transfersMax: number;
}

export interface ExpiryParts {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly files: TableFiles;
  readonly named: NamedFiles;
  readonly commits: MaintenanceCommits;
}

/**
 * Commits the table's metadata without the snapshots that are not retained, and then deletes what only they needed: from
 * the commit on nobody can plan a scan of them. What is left undeleted if it stops in between is an orphan.
 */
export async function expireSnapshots(
  parts: ExpiryParts,
  limits: ExpiryLimits,
  table: TableName,
  retention: SnapshotRetention,
  { dryRun, signal, progress }: MaintenanceOptions & { readonly signal: AbortSignal },
): Promise<ExpiryReport> {
  const { commits, clock } = parts;
  const prepare = async (base: Base): Promise<Change<Expiry> | null> => {
    throwIfCancelled(signal);
    const { metadata } = base.table;
    checkMayDelete(table, metadata);
    const lake = Array.from(base.lake.values(), (one) => one.metadata);
    const time = { nowMs: clock.nowUs() / 1_000, graceMs: limits.readerGraceMs };
    const retained = retainedSnapshots(metadata, lake, retention, time);
    const ids = metadata.snapshots.map((snapshot) => snapshot['snapshot-id']).filter((id) => !retained.has(id));
    if (ids.length === 0) return null;
    const next = (committedMs: number) =>
      withoutSnapshots(base.table, new Set(ids), committedMs, limits.metadataVersionsMax);
    return { next, outcome: { before: metadata, after: next(metadata['last-updated-ms']).metadata } };
  };
  const base = await commits.base(table);
  const expiry = dryRun ? ((await prepare(base))?.outcome ?? null) : await commits.land(table, prepare);
  if (expiry === null) {
    const snapshotsBefore = base.table.metadata.snapshots.length;
    return { table, dryRun, snapshotsBefore, expiredSnapshots: 0, deletedFiles: 0, deletedBytes: 0 };
  }
  const { before, after } = expiry;
  const unneeded = await unneededFiles(before, after, parts);
  const deletion = { atOnceMax: limits.transfersMax, signal, ...(progress !== undefined && { progress }) };
  const deleted = dryRun ? unneeded : await deleteObjects(parts, unneeded, deletion);
  return {
    table,
    dryRun,
    snapshotsBefore: before.snapshots.length,
    expiredSnapshots: before.snapshots.length - after.snapshots.length,
    deletedFiles: deleted.length,
    deletedBytes: sizeOf(deleted),
  };
}

interface Expiry {
  readonly before: TableMetadata;
  /** But for the time of the commit. */
  readonly after: TableMetadata;
}
