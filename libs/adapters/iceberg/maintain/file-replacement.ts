import type { TableName } from '@k2/domain/market';
import {
  PortError,
  type Clock,
  type ObjectStore,
  type Random,
  type TableMaintenanceError,
  type Telemetry,
} from '@k2/ports';
import { currentSchema, specById, type TableMetadata } from '../format/metadata.ts';
import { partitionTypes, type DataFile } from '../format/manifest.ts';
import type { TableFiles } from '../table-files.ts';
import { filesChange, withContent, type SnapshotLimits } from './changed-snapshot.ts';
import { deleteObjects } from './delete-objects.ts';
import type { Base, MaintenanceAttempt, MaintenanceCommits } from './maintenance-commits.ts';
import { mayHoldPartition, RemovedFiles } from './removed-files.ts';

export interface ReplacementLimits extends SnapshotLimits {
  /** New files stored longer ago are not committed: the removal of orphans may have taken them for garbage. */
  readonly stagedAgeMsMax: number;
  readonly transfersMax: number;
}

export interface ReplacementParts {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly files: TableFiles;
  readonly commits: MaintenanceCommits;
}

/** Files of one partition, and others that have the same rows. */
export interface Replacement {
  readonly table: TableName;
  /** Of the table when the new files were written. */
  readonly metadata: TableMetadata;
  readonly specId: number;
  readonly inputs: readonly DataFile[];
  readonly outputs: readonly DataFile[];
  /** Of the youngest input: to whatever goes by the age of data, the rows are no older than they were. */
  readonly dataSequenceNumber: number;
  /** When storing the new files began. */
  readonly storedUs: number;
}

/**
 * Commits a `replace` snapshot. The inputs must all be in the table still, whatever was committed meanwhile. Otherwise
 * another writer has rewritten or dropped them, and the new files would double rows or bring them back: false, and
 * nothing was changed. The new files are deleted where it is certain that no table lists them, or ever will.
 */
export async function replaceFiles(
  parts: ReplacementParts,
  limits: ReplacementLimits,
  replacement: Replacement,
): Promise<boolean> {
  const { table, metadata, inputs, outputs, specId, dataSequenceNumber } = replacement;
  const { files, commits, objects } = parts;
  const snapshotId = parts.random.int63();
  const ownManifest = await addedManifest(replacement, snapshotId, files);
  const paths = new Set(inputs.map(({ path }) => path));
  const types = partitionTypes(currentSchema(metadata), specById(metadata, specId)).map(({ result }) => result);
  const removal = {
    snapshotId,
    isRemoved: ({ path }: DataFile) => paths.has(path),
    mayBeIn: mayHoldPartition(specId, types, inputs[0].partition),
  };
  const removedFiles = new RemovedFiles(removal, files);
  const prepare = async (base: Base) => {
    checkAge(replacement, parts.clock.nowUs(), limits.stagedAgeMsMax);
    const sequenceNumber = base.table.metadata['last-sequence-number'] + 1;
    const { manifests, removed } = await removedFiles.takenFrom(base.table.metadata, sequenceNumber);
    if (removed.length !== paths.size) throw new InputsGone();
    const content = {
      snapshotId,
      operation: 'replace' as const,
      manifests: [{ ...ownManifest, sequenceNumber, minSequenceNumber: dataSequenceNumber }, ...manifests],
      added: filesChange(outputs),
      removed: filesChange(removed.map(({ file }) => file)),
      partitionCount: 1,
    };
    return { next: await withContent(base, content, { files, limits }), outcome: true };
  };
  const unresolved: MaintenanceAttempt<boolean>[] = [];
  try {
    await commits.land(table, prepare, unresolved);
    return true;
  } catch (error) {
    if (unresolved.length === 0) {
      const own = [ownManifest.path, ...outputs.map(({ path }) => path)];
      const keys = own.map((path) => ({ key: objects.key(path), sizeBytes: 0 }));
      await deleteObjects(parts, keys, { atOnceMax: limits.transfersMax });
    }
    if (error instanceof InputsGone) return false;
    throw error;
  }
}

class InputsGone extends Error {}

function addedManifest(
  { metadata, specId, outputs, dataSequenceNumber }: Replacement,
  snapshotId: bigint,
  files: TableFiles,
) {
  const entries = outputs.map(
    (file) => ({ status: 'added', snapshotId, dataSequenceNumber, fileSequenceNumber: null, file }) as const,
  );
  return files.writeManifestFile(metadata, specId, entries, { snapshotId, sequenceNumber: dataSequenceNumber });
}

function checkAge({ table, storedUs }: Replacement, nowUs: number, ageMsMax: number): void {
  const ageMs = (nowUs - storedUs) / 1_000;
  if (ageMs <= ageMsMax) return;
  const message = `merged files of ${table} were stored ${Math.round(ageMs / 60_000)} minutes ago, and may have been cleared away: compact again`;
  throw new PortError('unavailable', message, { table, storedUs }, { retryable: true }) satisfies TableMaintenanceError;
}
