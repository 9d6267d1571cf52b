import { logged, type MetadataFile, type NextMetadata } from '../commit/next-metadata.ts';
import { currentUntilMs, withCurrentUntilMs } from '../format/current-until.ts';
import type { Snapshot, TableMetadata } from '../format/metadata.ts';

/**
 * The table without some of its snapshots. As the table spec has it: the snapshot log forgets everything before the last
 * of them; parents of those that stay may be gone. Until when those were current that the log forgets is written into
 * their summaries.
 */
export function withoutSnapshots(
  base: MetadataFile,
  ids: ReadonlySet<bigint>,
  committedMs: number,
  versionsMax: number,
): NextMetadata {
  const { metadata } = base;
  const log = metadata['snapshot-log'];
  const forgotten = 1 + log.findLastIndex((entry) => ids.has(entry['snapshot-id']));
  const untilMs = new Map<bigint, number>();
  for (let index = forgotten - 1; index >= 0; index--) {
    // Of a snapshot that was current twice, after a rollback, the first time: the one that its own time tells of.
    untilMs.set(log[index]['snapshot-id'], log[index + 1]['timestamp-ms']);
  }
  const dated = (snapshot: Snapshot): Snapshot => {
    const until = untilMs.get(snapshot['snapshot-id']);
    return until === undefined || currentUntilMs(snapshot) !== null ? snapshot : withCurrentUntilMs(snapshot, until);
  };
  return logged(base, versionsMax, {
    ...metadata,
    'last-updated-ms': committedMs,
    snapshots: metadata.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id'])).map(dated),
    'snapshot-log': log.slice(forgotten),
    ...keptStatistics(metadata, 'statistics', ids),
    ...keptStatistics(metadata, 'partition-statistics', ids),
  });
}

function keptStatistics(
  metadata: TableMetadata,
  key: 'statistics' | 'partition-statistics',
  ids: ReadonlySet<bigint>,
): Partial<TableMetadata> {
  const all = metadata[key];
  return all === undefined ? {} : { [key]: all.filter((file) => !ids.has(file['snapshot-id'])) };
}
