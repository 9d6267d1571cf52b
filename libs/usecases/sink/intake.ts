import {
  quarantineId,
  type QuarantineRecord,
  type Rejection,
  type SequenceGapRecord,
  type SessionRecord,
} from '@k2/domain/lake';
import {
  BATCH_ROWS_MAX,
  joinBatches,
  joinSmallBatches,
  messageId,
  platformSequence,
  selectRows,
  tickJson,
  type PlacedBatch,
  type Series,
  type TickBatch,
} from '@k2/domain/market';
import { inspectBatch, REFUSALS } from '@k2/domain/quality';
import {
  DUPLICATE,
  hasUnreportedGaps,
  REFUSED,
  sequenceBatch,
  seriesKey,
  seriesKeys,
  settleGaps,
  type SequencingLimits,
  type SeriesState,
} from '@k2/domain/sequencing';
import type { Clock, LogRecord, PlannedRows } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { GapNotes } from './gap-notes.ts';
import type { StateCache } from './state-cache.ts';

const encoder = new TextEncoder();

/** Rows by what became of them. taken = kept + duplicates + quarantined. */
export interface IntakeCounts {
  taken: number;
  kept: number;
  late: number;
  duplicates: number;
  quarantined: number;
  gaps: number;
}

/**
 * Turns log records into the rows of one commit: sequences them, drops duplicates, refuses what can't be, and collects
 * what that says of gaps and sessions.
 */
export class Intake {
  readonly counts: IntakeCounts = { taken: 0, kept: 0, late: 0, duplicates: 0, quarantined: 0, gaps: 0 };
  private readonly states: StateCache;
  private readonly clock: Clock;
  private readonly limits: SequencingLimits;
  private ticks: PlacedBatch[] = [];
  private gaps: SequenceGapRecord[] = [];
  private sessions: SessionRecord[] = [];
  private quarantine: QuarantineRecord[] = [];
  private readonly unreported = new Map<
    string,
    { readonly recordType: TickBatch['recordType']; readonly series: Series }
  >();
  private bytes = 0;

  constructor(states: StateCache, clock: Clock, limits: SequencingLimits) {
    this.states = states;
    this.clock = clock;
    this.limits = limits;
  }

  get rowCount(): number {
    return this.ticks.reduce((sum, { batch }) => sum + batch.rowCount, this.quarantine.length);
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  /** Records of one partition, in their order: ticks that follow each other are taken as one batch. */
  async take(records: readonly LogRecord[]): Promise<void> {
    let run: PlacedBatch[] = [];
    let runRows = 0;
    const endRun = async () => {
      if (run.length > 0) await this.takeTicks(joinBatches(run));
      run = [];
      runRows = 0;
    };
    for (const record of records) {
      this.bytes += record.sizeBytes;
      const { payload } = record;
      if (payload.kind === 'ticks') {
        const { batch } = payload;
        const isOfRun = run.length > 0 && run[0].batch.recordType === batch.recordType;
        if (!isOfRun || runRows + batch.rowCount > BATCH_ROWS_MAX) await endRun();
        run.push({ batch, platformSequence: positions(record, batch.rowCount) });
        runRows += batch.rowCount;
        continue;
      }
      await endRun();
      if (payload.kind === 'rejections') await this.takeRejections(payload.rejections, record);
      else this.takeUndecodable(payload.raw, payload.detail, record);
    }
    await endRun();
  }

  /** Records that the log no longer had when they were asked for: their loss is on the record. */
  takeLost(topicPartition: LogRecord['topicPartition'], fromOffset: number, startOffset: number): void {
    const source = partitionName(topicPartition);
    this.counts.taken++;
    this.refuse({
      quarantineId: `${source}:${fromOffset}-${startOffset - 1}:lost`,
      exchange: exchangeOf(topicPartition.topic),
      recordType: 'unknown',
      source,
      position: fromOffset,
      reason: 'log-trimmed',
      detail: `offsets ${fromOffset} to ${startOffset - 1} left the log before they were committed: expected the log to keep them`,
      raw: new Uint8Array(0),
      receiveTimeUs: this.clock.nowUs(),
      platformSequence: platformSequence(fromOffset, 0),
    });
  }

  /** The rows so far; the intake is then empty. Holes held back for reordering are reported: their rows become visible. */
  async settle(): Promise<PlannedRows> {
    await this.settleGaps();
    const { gaps, sessions, quarantine } = this;
    const rows = { ticks: joinSmallBatches(this.ticks), gaps, sessions, quarantine };
    this.ticks = [];
    this.gaps = [];
    this.sessions = [];
    this.quarantine = [];
    this.bytes = 0;
    return rows;
  }

  private async takeTicks(placed: PlacedBatch): Promise<void> {
    const read = placed.batch;
    const states = await this.states.load(seriesKeys(read));
    const sequenced = sequenceBatch(placed, states, this.limits);
    this.states.update(sequenced.states);
    const gaps = new GapNotes(sequenced.gaps);
    this.sessions.push(...sequenced.sessions);
    this.noteUnreported(read, sequenced.states);

    const { batch, verdicts } = sequenced;
    const [, late, duplicates, untold] = sequenced.counts;
    const refusals = inspectBatch(batch);
    this.counts.taken += batch.rowCount;
    this.counts.late += late;
    this.counts.duplicates += duplicates;
    if (duplicates === 0 && untold === 0 && refusals === null) {
      this.noteGaps(gaps.records);
      this.keep({ batch, platformSequence: placed.platformSequence });
      return;
    }
    const kept = new Uint32Array(batch.rowCount);
    const unplaceable: QuarantineRecord[] = [];
    let keptCount = 0;
    for (let row = 0; row < batch.rowCount; row++) {
      if (verdicts[row] === DUPLICATE) continue;
      if (verdicts[row] === REFUSED) {
        const detail = 'its sequence lies before anything tracked of its session, so it may be a duplicate';
        unplaceable.push(this.refusedTick(batch, row, 'unplaceable-sequence', detail, placed));
      } else if (refusals !== null && refusals[row] !== 0) {
        const reason = REFUSALS[refusals[row]];
        this.refuse(this.refusedTick(batch, row, reason, `the tick is not possible: ${reason}`, placed));
        gaps.refused(batch, row, placed.platformSequence[row]);
      } else {
        kept[keptCount++] = row;
      }
    }
    this.noteGaps(gaps.records);
    if (unplaceable.length > 0) await this.refuseOnce(unplaceable);
    if (keptCount === 0) return;
    const rows = kept.subarray(0, keptCount);
    this.keep({
      batch: selectRows(batch, rows),
      platformSequence: Float64Array.from(rows, (row) => placed.platformSequence[row]),
    });
  }

  private keep(placed: PlacedBatch): void {
    this.ticks.push(placed);
    this.counts.kept += placed.batch.rowCount;
  }

  private noteGaps(records: readonly SequenceGapRecord[]): void {
    this.gaps.push(...records);
    this.counts.gaps += records.length;
  }

  private refusedTick(
    batch: TickBatch,
    row: number,
    reason: string,
    detail: string,
    placed: PlacedBatch,
  ): QuarantineRecord {
    const series = batch.series[batch.seriesCode[row]];
    return {
      quarantineId: `${batch.recordType}/${messageId(series, batch.venueSequence[row])}`,
      exchange: series.exchange,
      recordType: batch.recordType,
      source: 'log',
      position: placed.platformSequence[row],
      reason,
      detail,
      raw: encoder.encode(JSON.stringify(tickJson(batch, row))),
      receiveTimeUs: this.clock.nowUs(),
      platformSequence: placed.platformSequence[row],
    };
  }

  private async takeRejections(rejections: readonly Rejection[], record: LogRecord): Promise<void> {
    this.counts.taken += rejections.length;
    const platformSequences = positions(record, rejections.length);
    await this.refuseOnce(
      rejections.map((rejection, index) => ({ ...rejection, platformSequence: platformSequences[index] })),
    );
  }

  /** For what sequencing does not keep from coming again: the same thing refused before is a duplicate. */
  private async refuseOnce(records: readonly QuarantineRecord[]): Promise<void> {
    const fresh = new Set(await this.states.newlyRejected([...new Set(records.map((of) => of.quarantineId))]));
    for (const record of records) {
      if (fresh.delete(record.quarantineId)) this.refuse(record);
      else this.counts.duplicates++;
    }
  }

  private takeUndecodable(raw: Uint8Array, detail: string, record: LogRecord): void {
    const source = partitionName(record.topicPartition);
    const offset = record.nextOffset - 1;
    this.counts.taken++;
    this.refuse({
      quarantineId: quarantineId(source, offset, raw),
      exchange: exchangeOf(record.topicPartition.topic),
      recordType: 'unknown',
      source,
      position: offset,
      reason: 'undecodable-record',
      detail,
      raw,
      receiveTimeUs: this.clock.nowUs(),
      platformSequence: positions(record, 1)[0],
    });
  }

  private refuse(record: QuarantineRecord): void {
    this.quarantine.push(record);
    this.counts.quarantined++;
  }

  private noteUnreported(batch: TickBatch, states: ReadonlyMap<string, SeriesState>): void {
    for (const series of batch.series) {
      const key = seriesKey(batch.recordType, series);
      const state = states.get(key);
      if (state !== undefined && hasUnreportedGaps(state))
        this.unreported.set(key, { recordType: batch.recordType, series });
    }
  }

  private async settleGaps(): Promise<void> {
    if (this.unreported.size === 0) return;
    const states = await this.states.load([...this.unreported.keys()]);
    const settled = settleGaps(states, (key) => this.unreported.get(key)!);
    this.states.update(settled.states);
    this.gaps.push(...settled.gaps);
    this.counts.gaps += settled.gaps.length;
    this.unreported.clear();
  }
}

/** `platform_sequence` of a record's rows. */
function positions({ rowOffsets, nextOffset }: LogRecord, rowCount: number): Float64Array {
  if (rowOffsets !== null) return rowOffsets;
  const first = platformSequence(nextOffset - 1, 0);
  const all = new Float64Array(rowCount);
  for (let index = 0; index < rowCount; index++) all[index] = first + index;
  return all;
}

/** Topics end in the venue: `market.equities.trades.asx`. */
function exchangeOf(topic: string): string {
  return topic.slice(topic.lastIndexOf('.') + 1).toUpperCase();
}
