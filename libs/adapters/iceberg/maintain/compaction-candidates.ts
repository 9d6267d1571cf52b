import { compactionGroups, type CompactableFile, type CompactionGroup, type CompactionRule } from '@k2/domain/lake';
import { currentSnapshot, specById, type TableMetadata } from '../format/metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { liveFiles, partitionKey, type LiveFile } from './live-files.ts';
import { partitionEndUs } from '../format/partition-times.ts';
import { fileOrder } from './rewritable-columns.ts';

/** A data file of a table, and what compaction chooses it by. */
export type Candidate = CompactableFile & LiveFile;

/** The groups of a table's files that the rule merges. */
export async function candidateGroups(
  metadata: TableMetadata,
  rule: CompactionRule,
  files: TableFiles,
): Promise<readonly CompactionGroup<Candidate>[]> {
  const { orderId } = fileOrder(metadata);
  const committedUs = commitTimes(metadata);
  const live = await liveFiles(metadata, currentSnapshot(metadata), files);
  const candidates = live.map((one): Candidate => ({
    ...one,
    partition: partitionKey(one.specId, one.file.partition),
    partitionEndUs: partitionEndUs(specById(metadata, one.specId), one.file.partition),
    addedUs: committedUs(one.dataSequenceNumber),
    sizeBytes: one.file.sizeBytes,
    rowCount: one.file.recordCount,
    isSorted: orderId === null || one.file.sortOrderId === orderId,
  }));
  return compactionGroups(candidates, rule);
}

/**
 * When the data of a sequence number was committed, UTC µs; at the latest, where the snapshot of that commit is no
 * longer there.
 */
function commitTimes({ snapshots }: TableMetadata): (sequenceNumber: number) => number {
  const rising = snapshots.toSorted((a, b) => a['sequence-number'] - b['sequence-number']);
  return (sequenceNumber) => {
    let from = 0;
    let until = rising.length - 1;
    while (from < until) {
      const middle = (from + until) >> 1;
      if (rising[middle]['sequence-number'] < sequenceNumber) from = middle + 1;
      else until = middle;
    }
    return rising[from]['timestamp-ms'] * 1_000;
  };
}
