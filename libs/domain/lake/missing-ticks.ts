import type { RecordType } from '../market/tick-batch.ts';
import type { SessionStarts } from './session-starts.ts';

/** A series as the ledger names it. */
export interface LedgerSeries {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
}

/** A range of numbers that are in no table: their ticks never came, or were refused and are in the quarantine. */
export interface MissingTicks extends LedgerSeries {
  readonly sequenceFrom: number;
  /** Inclusive. */
  readonly sequenceTo: number;
  /** Venue's times of the ticks on either side, as the ledger has them: see SessionStarts for those before a session's first. */
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
}

/** Gaps that an answer is told of; the first are listed, all are counted. */
export interface KnownGaps {
  readonly gaps: readonly MissingTicks[];
  readonly gapCount: number;
  readonly missingTicks: number;
}

/** Half-open `[fromUs, toUs)`; without bounds where they are absent. */
export interface TimeRange {
  readonly fromUs?: number;
  readonly toUs?: number;
}

/** Takes missing ranges one by one, in the order of their series and numbers. */
export interface MissingTicksSink {
  add(series: LedgerSeries, sequenceFrom: number, sequenceTo: number, fromTimeUs: number, toTimeUs: number): void;
}

/** Whether a tick between these two times, both included, could be of the range. */
export function overlapsTimes(
  { fromTimeUs, toTimeUs }: Pick<MissingTicks, 'fromTimeUs' | 'toTimeUs'>,
  { fromUs = -Infinity, toUs = Infinity }: TimeRange,
): boolean {
  return toTimeUs >= fromUs && fromTimeUs < toUs;
}

/** Counts the ranges that may be of some times, and keeps the first. */
export class GapTally implements MissingTicksSink {
  private readonly times: TimeRange;
  private readonly listedMax: number;
  private readonly starts: SessionStarts;
  private readonly gaps: MissingTicks[] = [];
  private gapCount = 0;
  private missingTicks = 0;

  constructor(times: TimeRange, listedMax: number, starts: SessionStarts) {
    this.times = times;
    this.listedMax = listedMax;
    this.starts = starts;
  }

  get known(): KnownGaps {
    const { gaps, gapCount, missingTicks } = this;
    return { gaps, gapCount, missingTicks };
  }

  add(series: LedgerSeries, sequenceFrom: number, sequenceTo: number, fromTimeUs: number, toTimeUs: number): void {
    const sinceUs = this.starts.sinceUs(series, sequenceTo, fromTimeUs, toTimeUs);
    if (!overlapsTimes({ fromTimeUs: sinceUs, toTimeUs }, this.times)) return;
    this.gapCount++;
    this.missingTicks += sequenceTo - sequenceFrom + 1;
    if (this.gaps.length < this.listedMax)
      this.gaps.push({ ...series, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs });
  }
}

/** Missing ranges as columns: a million take 40 MB. */
export class MissingRanges implements MissingTicksSink {
  private readonly series: LedgerSeries[] = [];
  private seriesBytes = 0;
  /** Series, numbers and times, a range after the other. */
  private values = new Float64Array(16 * VALUES_A_RANGE);
  private used = 0;

  get sizeBytes(): number {
    return this.values.byteLength + this.seriesBytes;
  }

  add(series: LedgerSeries, sequenceFrom: number, sequenceTo: number, fromTimeUs: number, toTimeUs: number): void {
    if (this.series.at(-1) !== series) {
      this.series.push(series);
      const { exchange, symbol, session } = series;
      this.seriesBytes += SERIES_BYTES + 2 * (exchange.length + symbol.length + session.length);
    }
    if (this.used === this.values.length) {
      const larger = new Float64Array(2 * this.used);
      larger.set(this.values);
      this.values = larger;
    }
    const { values, used } = this;
    values[used] = this.series.length - 1;
    values[used + 1] = sequenceFrom;
    values[used + 2] = sequenceTo;
    values[used + 3] = fromTimeUs;
    values[used + 4] = toTimeUs;
    this.used += VALUES_A_RANGE;
  }

  forEach(sink: MissingTicksSink): void {
    const { series, values, used } = this;
    for (let at = 0; at < used; at += VALUES_A_RANGE)
      sink.add(series[values[at]], values[at + 1], values[at + 2], values[at + 3], values[at + 4]);
  }
}

const VALUES_A_RANGE = 5;

/** An object and its entry in the list, about. */
const SERIES_BYTES = 96;
