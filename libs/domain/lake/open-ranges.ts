import type { SequenceGapRecord } from './audit-records.ts';
import type { LedgerSeries, MissingTicks, MissingTicksSink } from './missing-ticks.ts';

/**
 * Open ranges less what was filled, in one pass over a ledger of any size. The entries of a series come together, sorted
 * by where they begin; those of the next series follow. A filled range has the times of the open one that it is part of,
 * so that a ledger cut down to some times has both or neither.
 */
export class OpenRanges {
  private readonly sink: MissingTicksSink;
  private series: LedgerSeries | null = null;
  /** Open ranges that entries still to come may fill; `from` is the first number that is not filled. */
  private open: { from: number; readonly to: number; readonly fromTimeUs: number; readonly toTimeUs: number }[] = [];
  private filledTo = -Infinity;
  private lastFrom = -Infinity;

  constructor(sink: MissingTicksSink) {
    this.sink = sink;
  }

  /** Ends the series before. */
  begin(series: LedgerSeries): void {
    this.end();
    this.series = series;
  }

  addOpen(from: number, to: number, fromTimeUs: number, toTimeUs: number): void {
    this.advance(from);
    this.open.push({ from: Math.max(from, this.filledTo + 1), to, fromTimeUs, toTimeUs });
  }

  addFilled(from: number, to: number): void {
    this.advance(from);
    for (const range of this.open) {
      this.found(range, from - 1);
      range.from = Math.max(range.from, to + 1);
    }
    this.filledTo = Math.max(this.filledTo, to);
  }

  end(): void {
    this.advance(Infinity);
    this.lastFrom = -Infinity;
    this.filledTo = -Infinity;
  }

  /** What ends before `from` is filled no more. */
  private advance(from: number): void {
    if (from < this.lastFrom)
      throw new RangeError(
        `the ledger has ${from} after ${this.lastFrom}: expected entries sorted by their first number`,
      );
    this.lastFrom = from;
    if (this.open.every(({ to }) => to >= from)) return;
    for (const range of this.open) if (range.to < from) this.found(range, range.to);
    this.open = this.open.filter(({ to }) => to >= from);
  }

  private found({ from, fromTimeUs, toTimeUs }: (typeof this.open)[number], to: number): void {
    if (from <= to) this.sink.add(this.series!, from, to, fromTimeUs, toTimeUs);
  }
}

/** As OpenRanges, of entries in any order. By record type, exchange, symbol, session and sequence. */
export function openGaps(gaps: readonly SequenceGapRecord[]): readonly MissingTicks[] {
  const missing: MissingTicks[] = [];
  const ranges = new OpenRanges({
    add: (series, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs) =>
      missing.push({ ...series, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs }),
  });
  const bySeries = Map.groupBy(gaps, (gap) => JSON.stringify([gap.recordType, gap.exchange, gap.symbol, gap.session]));
  for (const key of [...bySeries.keys()].sort()) {
    const ofSeries = bySeries.get(key)!.toSorted((a, b) => a.sequenceFrom - b.sequenceFrom);
    const { recordType, exchange, symbol, session } = ofSeries[0];
    ranges.begin({ recordType, exchange, symbol, session });
    for (const { status, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs } of ofSeries) {
      if (status === 'open') ranges.addOpen(sequenceFrom, sequenceTo, fromTimeUs, toTimeUs);
      else ranges.addFilled(sequenceFrom, sequenceTo);
    }
  }
  ranges.end();
  return missing;
}
