import { GAPS_LISTED_MAX, GapTally, MissingRanges } from '@k2/domain/lake';
import type { KnownGaps, LedgerSeries, MissingTicksSink, SessionStarts, TimeRange } from '@k2/domain/lake';

/**
 * What is missing at some times, as it was read of the ledger: all ranges while they are few enough to keep, so that any
 * times within can be asked for; always what there is to say of the times that it was read for.
 */
export class LedgerReading implements MissingTicksSink {
  private readonly read: TimeRange;
  private readonly asked: TimeRange;
  private readonly bytesMax: number;
  private tally: GapTally | null;
  private found: KnownGaps = { gaps: [], gapCount: 0, missingTicks: 0 };
  private ranges: MissingRanges | null = new MissingRanges();

  /** Entries of the times `read`, for a question about the times `asked` within. */
  constructor(read: TimeRange, asked: TimeRange, bytesMax: number, starts: SessionStarts) {
    this.read = read;
    this.asked = asked;
    this.bytesMax = bytesMax;
    this.tally = new GapTally(asked, GAPS_LISTED_MAX, starts);
  }

  get sizeBytes(): number {
    return READING_BYTES + GAP_BYTES * this.found.gaps.length + (this.ranges?.sizeBytes ?? 0);
  }

  add(series: LedgerSeries, sequenceFrom: number, sequenceTo: number, fromTimeUs: number, toTimeUs: number): void {
    this.tally?.add(series, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs);
    this.ranges?.add(series, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs);
    if (this.ranges !== null && this.ranges.sizeBytes > this.bytesMax) this.ranges = null;
  }

  /** After the last range. */
  end(): void {
    if (this.tally !== null) this.found = this.tally.known;
    this.tally = null;
  }

  /** Null: these times were not read, or more than is kept. */
  known(times: TimeRange, starts: SessionStarts): KnownGaps | null {
    if (isWithin(times, this.asked) && isWithin(this.asked, times)) return this.found;
    if (this.ranges === null || !isWithin(times, this.read)) return null;
    const tally = new GapTally(times, GAPS_LISTED_MAX, starts);
    this.ranges.forEach(tally);
    return tally.known;
  }

  /** Whether `other` knows nothing that this reading does not know. */
  replaces(other: LedgerReading): boolean {
    return isWithin(other.asked, this.read) && this.ranges !== null && isWithin(other.read, this.read);
  }
}

/** About what the object, and one listed gap, take. */
const READING_BYTES = 512;
const GAP_BYTES = 160;

function isWithin(inner: TimeRange, outer: TimeRange): boolean {
  const { fromUs = -Infinity, toUs = Infinity } = inner;
  return fromUs >= (outer.fromUs ?? -Infinity) && toUs <= (outer.toUs ?? Infinity);
}
