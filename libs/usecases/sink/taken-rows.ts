import type { QuarantineRecord, SequenceGapRecord, SessionRecord } from '@k2/domain/lake';
import { joinSmallBatches, type PlacedBatch, type Series, type TickBatch } from '@k2/domain/market';
import type { LogRecord, PlannedRows, TopicPartition } from '@k2/ports';
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
  /** What the log records hold, one for a range that is lost: every row of them must be among `counts`. */
  recordRows = 0;

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

  /** All of the record was taken. */
  took({ sizeBytes, payload }: LogRecord): void {
    this.sizeBytes += sizeBytes;
    this.recordRows += rowsOf(payload);
  }

  /** Throws RangeError unless each row of the records is kept, refused or known already, and no other is. */
  assertWhole(): void {
    const { taken, kept, duplicates, quarantined } = this.counts;
    const tickRows = this.ticks.reduce((sum, { batch }) => sum + batch.rowCount, 0);
    if (taken === this.recordRows && taken === kept + duplicates + quarantined)
      if (tickRows === kept && this.quarantine.length === quarantined) return;
    throw new RangeError(
      `the records of ${this.name} from ${this.fromOffset} to ${this.nextOffset} have ${this.recordRows} rows, but ` +
        `${taken} were taken: ${kept} kept (${tickRows} to be written), ${duplicates} duplicates and ${quarantined} ` +
        `refused (${this.quarantine.length} to be written)`,
    );
  }

  noteGaps(records: readonly SequenceGapRecord[]): void {
    for (const record of records) this.gaps.push(record);
    this.counts.gaps += records.length;
  }

  noteSessions(records: readonly SessionRecord[]): void {
    for (const record of records) this.sessions.push(record);
  }
}

function rowsOf(payload: LogRecord['payload']): number {
  if (payload.kind === 'ticks') return payload.batch.rowCount;
  return payload.kind === 'rejections' ? payload.rejections.length : 1;
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
