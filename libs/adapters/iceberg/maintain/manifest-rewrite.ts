import type { TableName } from '@k2/domain/market';
import type { ManifestReport, Random } from '@k2/ports';
import { currentSnapshot, type TableMetadata } from '../format/metadata.ts';
import { inherited, type ManifestEntry } from '../format/manifest.ts';
import { hasLiveFiles, type ManifestFile } from '../format/manifest-list.ts';
import { compareValues } from '../format/single-value.ts';
import type { TableFiles } from '../table-files.ts';
import { throwIfCancelled } from './cancelled.ts';
import { filesChange, withContent, type SnapshotLimits } from './changed-snapshot.ts';
import type { Base, Change, MaintenanceCommits } from './maintenance-commits.ts';

export interface ManifestRewriteParts {
  readonly random: Random;
  readonly files: TableFiles;
  readonly commits: MaintenanceCommits;
}

/** Commits a `replace` snapshot of the same files in fewer manifests, each of neighbouring partitions. */
export async function rewriteManifests(
  parts: ManifestRewriteParts,
  limits: SnapshotLimits,
  table: TableName,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<ManifestReport> {
  const { files, commits } = parts;
  const { metadata } = (await commits.base(table)).table;
  const manifests = await currentManifests(metadata, files);
  const expected = crowds(manifests, limits.manifestBytesTarget);
  const same = { manifestsBefore: manifests.length, manifestsAfter: manifests.length };
  if (expected.length === 0) return { table, dryRun, ...same };
  if (dryRun) {
    const saved = expected.reduce((sum, crowd) => sum + crowd.manifests.length - crowd.manifestCount, 0);
    return { table, dryRun, ...same, manifestsAfter: manifests.length - saved };
  }
  throwIfCancelled(signal);
  const counts = await commits.land(table, rewrites(parts, limits));
  return { table, dryRun, ...(counts ?? same) };
}

interface Counts {
  readonly manifestsBefore: number;
  readonly manifestsAfter: number;
}

/** Manifests of one partition spec that are too many for what they hold. */
interface Crowd {
  readonly specId: number;
  readonly manifests: readonly ManifestFile[];
  /** Into which they will be put together. */
  readonly manifestCount: number;
}

function crowds(manifests: readonly ManifestFile[], bytesTarget: number): readonly Crowd[] {
  const found: Crowd[] = [];
  for (const [specId, ofSpec] of Map.groupBy(manifests, (manifest) => manifest.partitionSpecId)) {
    const sizeBytes = ofSpec.reduce((sum, manifest) => sum + manifest.lengthBytes, 0);
    const fileCount = ofSpec.reduce((sum, { addedFiles, existingFiles }) => sum + addedFiles + existingFiles, 0);
    const wanted = Math.max(1, Math.ceil(sizeBytes / bytesTarget));
    // Rewritten manifests may come out a little larger or smaller than wanted: no reason to rewrite them once more.
    if (ofSpec.length < Math.max(2 * wanted, wanted + 2)) continue;
    const filesPerManifest = Math.ceil(fileCount / wanted);
    found.push({ specId, manifests: ofSpec, manifestCount: Math.ceil(fileCount / filesPerManifest) });
  }
  return found;
}

async function currentManifests(metadata: TableMetadata, files: TableFiles): Promise<readonly ManifestFile[]> {
  const snapshot = currentSnapshot(metadata);
  return snapshot === null ? [] : (await files.manifests(snapshot)).filter(hasLiveFiles);
}

interface Rewritten {
  readonly sources: readonly ManifestFile[];
  readonly manifests: readonly ManifestFile[];
}

/** What was rewritten for one attempt serves the next while its sources are in the table; appends only add to them. */
function rewrites(
  { random, files }: ManifestRewriteParts,
  limits: SnapshotLimits,
): (base: Base) => Promise<Change<Counts> | null> {
  const snapshotId = random.int63();
  let rewritten: Rewritten | null = null;
  return async (base) => {
    const { metadata } = base.table;
    const sequenceNumber = metadata['last-sequence-number'] + 1;
    const all = await currentManifests(metadata, files);
    const present = new Set(all.map(({ path }) => path));
    if (rewritten === null || !rewritten.sources.every(({ path }) => present.has(path))) {
      const found = crowds(all, limits.manifestBytesTarget);
      if (found.length === 0) return null;
      rewritten = await rewrite(found, metadata, { snapshotId, sequenceNumber }, files);
    }
    const replaced = new Set(rewritten.sources.map(({ path }) => path));
    const kept = all.filter(({ path }) => !replaced.has(path));
    const created = rewritten.manifests.map((manifest) => ({ ...manifest, sequenceNumber }));
    const content = {
      snapshotId,
      operation: 'replace' as const,
      manifests: [...kept, ...created],
      added: filesChange([]),
      removed: filesChange([]),
      partitionCount: 0,
      // As the reference implementation names them.
      details: {
        'manifests-created': String(created.length),
        'manifests-kept': String(kept.length),
        'manifests-replaced': String(replaced.size),
        'entries-processed': String(created.reduce((sum, { existingFiles }) => sum + existingFiles, 0)),
      },
    };
    const counts = { manifestsBefore: all.length, manifestsAfter: content.manifests.length };
    return { next: await withContent(base, content, { files, limits }), outcome: counts };
  };
}

async function rewrite(
  found: readonly Crowd[],
  metadata: TableMetadata,
  snapshot: { readonly snapshotId: bigint; readonly sequenceNumber: number },
  files: TableFiles,
): Promise<Rewritten> {
  const manifests: ManifestFile[] = [];
  for (const { specId, manifests: sources, manifestCount } of found) {
    const entries: ManifestEntry[] = [];
    for (const source of sources) {
      for (const entry of await files.entries(metadata, source))
        if (entry.status !== 'deleted') entries.push({ ...inherited(entry, source), status: 'existing' });
    }
    entries.sort(comparePartitions);
    const perManifest = Math.ceil(entries.length / manifestCount);
    for (let from = 0; from < entries.length; from += perManifest) {
      const part = entries.slice(from, from + perManifest);
      manifests.push(await files.writeManifestFile(metadata, specId, part, snapshot));
    }
  }
  return { sources: found.flatMap((crowd) => crowd.manifests), manifests };
}

/** Field by field as the spec has them: days first, in K2's tables. */
function comparePartitions({ file: a }: ManifestEntry, { file: b }: ManifestEntry): number {
  for (let index = 0; index < a.partition.length; index++) {
    const [x, y] = [a.partition[index], b.partition[index]];
    const order = x === null || y === null ? Number(x !== null) - Number(y !== null) : compareValues(x, y);
    if (order !== 0) return order;
  }
  return 0;
}
