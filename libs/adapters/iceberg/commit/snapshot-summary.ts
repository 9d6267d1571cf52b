import type { Snapshot } from '../format/metadata.ts';

/** What a snapshot adds to a table, or takes from it. */
export interface FilesChange {
  readonly files: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export const NO_FILES: FilesChange = { files: 0, rows: 0, sizeBytes: 0 };

/** Summary key of the log offsets up to which the table holds rows; see `printProgress`. */
export const PROGRESS_PROPERTY = 'k2.progress';

/** Counts as the table spec names them (Appendix F, "Optional Snapshot Summary Fields"), and the log's progress. */
export function snapshotSummary(
  operation: 'append' | 'replace' | 'delete',
  parent: Snapshot | null,
  { added, removed, partitionCount }: { added: FilesChange; removed: FilesChange; partitionCount: number },
  progress: string,
): Snapshot['summary'] {
  return {
    operation,
    ...counts('added', 'added', added),
    ...counts('deleted', 'removed', removed),
    'changed-partition-count': String(partitionCount),
    ...total('total-data-files', parent, added.files - removed.files),
    ...total('total-records', parent, added.rows - removed.rows),
    ...total('total-files-size', parent, added.sizeBytes - removed.sizeBytes),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
    [PROGRESS_PROPERTY]: progress,
  };
}

/** The spec says `deleted-records` and `removed-files-size`. */
function counts(verb: string, sizeVerb: string, { files, rows, sizeBytes }: FilesChange): Record<string, string> {
  if (files === 0) return {};
  return {
    [`${verb}-data-files`]: String(files),
    [`${verb}-records`]: String(rows),
    [`${sizeVerb}-files-size`]: String(sizeBytes),
  };
}

/** A total that another engine left out is unknown from then on. */
function total(key: string, parent: Snapshot | null, change: number): Record<string, string> {
  const before = parent === null ? '0' : parent.summary[key];
  return before === undefined ? {} : { [key]: String(Number(before) + change) };
}
