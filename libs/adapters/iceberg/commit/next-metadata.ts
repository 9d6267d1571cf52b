import { MAIN_BRANCH, type TableMetadata } from '../format/metadata.ts';
import type { Schema } from '../format/schema.ts';
import type { NewSnapshot } from './append-snapshot.ts';
import { alterationsSummary, withLastCommit } from './custody.ts';

/** Successor of a metadata file, and which files nothing names any more: metadata beyond its log, merged manifests. */
export interface NextMetadata {
  readonly metadata: TableMetadata;
  /** Locations to delete once the successor is committed. */
  readonly retired: readonly string[];
}

/**
 * A successor that still lacks the time of its commit, which is chosen last: a commit that takes effect between the
 * choice and the change makes the change too late.
 */
export type UndatedMetadata = (committedMs: number) => NextMetadata;

export interface MetadataFile {
  readonly location: string;
  readonly metadata: TableMetadata;
}

export function withSnapshot(
  base: MetadataFile,
  { snapshot, mergedAway, rowCount, alterationsAt }: NewSnapshot,
  committedMs: number,
  versionsMax: number,
): NextMetadata {
  const { metadata } = base;
  const snapshotId = snapshot['snapshot-id'];
  const alterations = alterationsAt(committedMs);
  const summary = { ...snapshot.summary, ...alterationsSummary(alterations) };
  const next = logged(base, versionsMax, {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': committedMs,
    'current-snapshot-id': snapshotId,
    properties: withLastCommit(metadata.properties, { snapshotId, rowCount, alterations }),
    refs: {
      ...metadata.refs,
      [MAIN_BRANCH]: { ...metadata.refs[MAIN_BRANCH], 'snapshot-id': snapshotId, type: 'branch' },
    },
    snapshots: [...metadata.snapshots, { ...snapshot, 'timestamp-ms': committedMs, summary }],
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': committedMs, 'snapshot-id': snapshotId }],
  });
  return { ...next, retired: [...next.retired, ...mergedAway] };
}

export function withSchema(
  base: MetadataFile,
  schema: Schema,
  lastColumnId: number,
  committedMs: number,
  versionsMax: number,
): NextMetadata {
  const { metadata } = base;
  return logged(base, versionsMax, {
    ...metadata,
    'last-updated-ms': committedMs,
    'last-column-id': lastColumnId,
    'current-schema-id': schema['schema-id'],
    schemas: [...metadata.schemas, schema],
  });
}

/** The next metadata, with the base in its log. */
export function logged(base: MetadataFile, versionsMax: number, next: TableMetadata): NextMetadata {
  const previous = { 'timestamp-ms': base.metadata['last-updated-ms'], 'metadata-file': base.location };
  const log = [...base.metadata['metadata-log'], previous];
  const kept = log.slice(-versionsMax);
  return {
    metadata: { ...next, 'metadata-log': kept },
    retired: log.slice(0, log.length - kept.length).map((entry) => entry['metadata-file']),
  };
}

/** Versions count up in the file names: `00007-<uuid>.metadata.json`. */
export function metadataVersion(location: string): number {
  const [, digits = '0'] = /\/(\d+)-[^/]*$/.exec(location) ?? [];
  return Number(digits);
}
