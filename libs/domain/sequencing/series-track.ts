import type { SequenceGapRecord } from '../lake/audit-records.ts';
import type { Series } from '../market/series.ts';
import type { RecordType } from '../market/tick-batch.ts';
import type { SequencingLimits } from './limits.ts';
import type { MissingRange, SeriesState } from './series-state.ts';

export type OffPathVerdict = 'in-order' | 'late' | 'duplicate' | 'refused';

/** A tick as the slow path sees it. */
export interface TickPoint {
  readonly sequence: number;
  readonly eventTimeUs: number;
  readonly receiveTimeUs: number;
  readonly platformSequence: bigint;
}

/** The working copy of one series' state during a step: everything but the common case, which the step does itself. */
export class SeriesTrack {
  generation: number;
  openedTimeUs: number;
  trackedFrom: number;
  forgotten: boolean;
  missing: MissingRange[];
  readonly recordType: RecordType;
  readonly series: Series;
  private readonly limits: SequencingLimits;
  private readonly gaps: SequenceGapRecord[];

  constructor(
    recordType: RecordType,
    series: Series,
    state: SeriesState | undefined,
    limits: SequencingLimits,
    gaps: SequenceGapRecord[],
  ) {
    this.recordType = recordType;
    this.series = series;
    this.limits = limits;
    this.gaps = gaps;
    this.generation = state?.generation ?? 0;
    this.openedTimeUs = state?.openedTimeUs ?? 0;
    this.trackedFrom = state?.trackedFrom ?? 0;
    this.forgotten = state?.forgotten ?? false;
    this.missing = state === undefined ? [] : [...state.missing];
  }

  /** The series under the label of the present generation. */
  get labelled(): Series {
    return this.generation === 0 ? this.series : { ...this.series, session: `reset-${this.generation}` };
  }

  /** An older tick is of an earlier numbering: its number says nothing in this one. */
  get notBeforeUs(): number {
    return this.generation === 0 ? -Infinity : this.openedTimeUs;
  }

  /**
   * First tick of a session: what lies between the session's first number and it is missing, and came after
   * `lastEventTimeUs`, of the numbering before. Where that is of another series, SessionStarts tells since when.
   */
  open(tick: TickPoint, lastEventTimeUs: number): void {
    this.openedTimeUs = tick.eventTimeUs;
    this.missing = [];
    this.forgotten = false;
    const first = Math.min(this.series.firstSequence ?? tick.sequence, tick.sequence);
    this.trackedFrom = first;
    if (first < tick.sequence) this.jump(first, tick, lastEventTimeUs);
  }

  /** `from` up to the tick was jumped over. */
  jump(from: number, tick: TickPoint, lastEventTimeUs: number): void {
    this.missing.push({
      from,
      to: tick.sequence - 1,
      fromTimeUs: Math.min(lastEventTimeUs, tick.eventTimeUs),
      toTimeUs: Math.max(lastEventTimeUs, tick.eventTimeUs),
      detectedTimeUs: tick.receiveTimeUs,
      platformSequence: tick.platformSequence,
      reported: false,
    });
    if (this.missing.length > this.limits.missingRangesMax) this.forgetOldest();
  }

  /** A sequence below the highest seen: it fills a hole, comes again, or can't be told. */
  revisit(tick: TickPoint, nextSequence: number): OffPathVerdict {
    if (tick.eventTimeUs < this.notBeforeUs) return 'refused';
    if (tick.sequence < this.trackedFrom) return this.beforeTracked(tick);
    const at = this.missing.findLastIndex((range) => range.from <= tick.sequence);
    const range = this.missing[at];
    if (range === undefined || range.to < tick.sequence) return 'duplicate';
    const isReordered = !range.reported && nextSequence - tick.sequence <= this.limits.reorderTicksMax;
    const reported = range.reported || !isReordered;
    if (reported && !range.reported) this.report(range);
    if (reported) this.reportFilled(range, tick);
    const left = { ...range, to: tick.sequence - 1, reported };
    const right = { ...range, from: tick.sequence + 1, reported };
    this.missing.splice(at, 1, ...[left, right].filter((part) => part.from <= part.to));
    return isReordered ? 'in-order' : 'late';
  }

  /** Reports what the reorder window held back. */
  settle(): void {
    this.missing = this.missing.map((range) => (range.reported ? range : this.report(range)));
  }

  /** Before anything seen in this session: a hole opens between it and the first. */
  private beforeTracked(tick: TickPoint): OffPathVerdict {
    if (this.forgotten) return 'refused';
    if (tick.sequence + 1 < this.trackedFrom) {
      this.missing.unshift({
        from: tick.sequence + 1,
        to: this.trackedFrom - 1,
        fromTimeUs: Math.min(tick.eventTimeUs, this.openedTimeUs),
        toTimeUs: Math.max(tick.eventTimeUs, this.openedTimeUs),
        detectedTimeUs: tick.receiveTimeUs,
        platformSequence: tick.platformSequence,
        reported: false,
      });
    }
    this.trackedFrom = tick.sequence;
    if (this.missing.length > this.limits.missingRangesMax) this.forgetOldest();
    return 'late';
  }

  /** The bound on holes: the oldest stays reported as open for good, and what comes from before it is refused. */
  private forgetOldest(): void {
    const oldest = this.missing.shift()!;
    if (!oldest.reported) this.report(oldest);
    this.trackedFrom = oldest.to + 1;
    this.forgotten = true;
  }

  private report(range: MissingRange): MissingRange {
    this.gaps.push(this.gapRecord('open', range, range));
    return { ...range, reported: true };
  }

  /** Neighbouring fills become one record. */
  private reportFilled(range: MissingRange, tick: TickPoint): void {
    const last = this.gaps.at(-1);
    const { labelled } = this;
    if (
      last?.status === 'filled' &&
      last.sequenceTo + 1 === tick.sequence &&
      last.fromTimeUs === range.fromTimeUs &&
      last.recordType === this.recordType &&
      last.exchange === labelled.exchange &&
      last.symbol === labelled.symbol &&
      last.session === labelled.session
    ) {
      this.gaps[this.gaps.length - 1] = { ...last, sequenceTo: tick.sequence };
      return;
    }
    this.gaps.push(
      this.gapRecord(
        'filled',
        { ...range, from: tick.sequence, to: tick.sequence },
        { detectedTimeUs: tick.receiveTimeUs, platformSequence: tick.platformSequence },
      ),
    );
  }

  private gapRecord(
    status: 'open' | 'filled',
    range: MissingRange,
    shownBy: { readonly detectedTimeUs: number; readonly platformSequence: bigint },
  ): SequenceGapRecord {
    const { exchange, symbol, session } = this.labelled;
    return {
      recordType: this.recordType,
      exchange,
      symbol,
      session,
      status,
      sequenceFrom: range.from,
      sequenceTo: range.to,
      fromTimeUs: range.fromTimeUs,
      toTimeUs: range.toTimeUs,
      detectedTimeUs: shownBy.detectedTimeUs,
      platformSequence: shownBy.platformSequence,
    };
  }
}
