import type { PartitionProgress, ProgressChange, TopicPartition } from '@k2/ports';

/** How far the log is in a table, as snapshot summaries have it: the lake alone is then enough to resume from. */
export interface RecordedProgress extends PartitionProgress {
  /** Of the writer who moved it last, where that is known. */
  readonly epoch?: number;
}

/**
 * The progress of every partition once a change took effect. `current` is the catalog's, read after the table that the
 * snapshot is built on: had another writer given that table rows since, the commit would be refused.
 */
export function progressAfter(
  current: readonly PartitionProgress[],
  parent: readonly RecordedProgress[],
  change: ProgressChange,
): readonly RecordedProgress[] {
  const all = new Map<string, RecordedProgress>();
  for (const { topic, partition, topicId, nextOffset } of current) {
    const before = parent.find((entry) => keyOf(entry) === keyOf({ topic, partition }) && entry.topicId === topicId);
    const epoch = before?.epoch === undefined ? {} : { epoch: before.epoch };
    all.set(keyOf({ topic, partition }), { topic, partition, topicId, nextOffset, ...epoch });
  }
  for (const { claim, nextOffset } of change.partitions) {
    const { topic, partition, topicId, epoch } = claim;
    all.set(keyOf(claim), { topic, partition, topicId, nextOffset, epoch });
  }
  return [...all.values()];
}

/** The progress of a snapshot that adds no rows: the catalog's, and what only the lake knows. */
export function progressCarried(
  current: readonly PartitionProgress[],
  recorded: readonly RecordedProgress[],
): readonly RecordedProgress[] {
  const known = progressAfter(current, recorded, { partitions: [], state: new Map() });
  const keys = new Set(known.map(keyOf));
  return [...known, ...recorded.filter((entry) => !keys.has(keyOf(entry)))];
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`;
}

export function printProgress(progress: readonly RecordedProgress[]): string {
  return JSON.stringify(progress);
}

/** Empty for snapshots that other engines made. */
export function parseProgress(text: string | undefined): readonly RecordedProgress[] {
  return text === undefined ? [] : (JSON.parse(text) as readonly RecordedProgress[]);
}
