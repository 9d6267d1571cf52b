import type { QuarantineRecord, SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import { joinSmallBatches, type PlacedBatch, type Series, type TickBatch } from '@k2/domain/market';
import type { PlannedRows, TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

/** Rows by what became of them. taken = kept + duplicates + quarantined. */
export interface IntakeCounts {
  taken: number;
  kept: number;
  late: number;
  duplicates: number;
  quarantined: number;
  gaps: number;
}

export function noCounts(): IntakeCounts {
  return { taken: 0, kept: 0, late: 0, duplicates: 0, quarantined: 0, gaps: 0 };
}

/**
 * What was taken of one partition since its last flush: the rows of the log's offsets `[fromOffset, nextOffset)`, and
 * what they say of gaps and sessions. It is committed as a whole, or forgotten as a whole and taken again.
 */
export class TakenRows {
  readonly topicPartition: TopicPartition;
  readonly name: string;
  readonly fromOffset: number;
  nextOffset: number;
  /** When it is to be flushed, on the clock's monotonic time. */
  flushDueUs: number;
  readonly counts: IntakeCounts = noCounts();
  ticks: PlacedBatch[] = [];
  gaps: SequenceGapRecord[] = [];
  readonly sessions: SessionRecord[] = [];
  readonly quarantine: QuarantineRecord[] = [];
  /** Series with holes that are held back for reordering. */
  readonly unreported = new Map<string, { readonly recordType: TickBatch['recordType']; readonly series: Series }>();
  /** Of the log records. */
  sizeBytes = 0;

  constructor(topicPartition: TopicPartition, fromOffset: number, flushDueUs: number) {
    this.topicPartition = topicPartition;
    this.name = partitionName(topicPartition);
    this.fromOffset = fromOffset;
    this.nextOffset = fromOffset;
    this.flushDueUs = flushDueUs;
  }

  get rowCount(): number {
    return this.ticks.reduce((sum, { batch }) => sum + batch.rowCount, this.quarantine.length);
  }

  keep(placed: PlacedBatch): void {
    this.ticks.push(placed);
    this.counts.kept += placed.batch.rowCount;
  }

  refuse(record: QuarantineRecord): void {
    this.quarantine.push(record);
    this.counts.quarantined++;
  }

  noteGaps(records: readonly SequenceGapRecord[]): void {
    for (const record of records) this.gaps.push(record);
    this.counts.gaps += records.length;
  }

  noteSessions(records: readonly SessionRecord[]): void {
    for (const record of records) this.sessions.push(record);
  }
}

/** The rows of several partitions as those of one commit. */
export function plannedRows(parts: readonly TakenRows[]): PlannedRows {
  return {
    ticks: joinSmallBatches(parts.flatMap(({ ticks }) => ticks)),
    gaps: parts.flatMap(({ gaps }) => gaps),
    sessions: parts.flatMap(({ sessions }) => sessions),
    quarantine: parts.flatMap(({ quarantine }) => quarantine),
  };
}
