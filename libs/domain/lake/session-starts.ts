import type { LedgerSeries } from './missing-ticks.ts';

type InstrumentRecord = Pick<LedgerSeries, 'recordType' | 'exchange' | 'symbol'>;

/**
 * When each instrument's sessions opened and with which number. It tells since when the numbers before a session's first
 * tick can be: the ledger has the time of that tick on both sides of them, as the tick before is of another session.
 * Nothing tells when the session before ended; it had a tick when it opened, so that is the earliest. Without a session
 * before there is no bound.
 */
export class SessionStarts {
  private readonly ofInstrument = new Map<string, Openings>();
  private last: { readonly of: InstrumentRecord; readonly openings: Openings } | null = null;

  /** About; so that a cache can be bounded. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const [key, { timesUs }] of this.ofInstrument) bytes += 256 + 4 * key.length + 16 * timesUs.length;
    return bytes;
  }

  /** Sorted by time within an instrument. */
  add(of: InstrumentRecord, firstSequence: number, eventTimeUs: number): void {
    if (this.last === null || !isSame(this.last.of, of)) this.last = { of, openings: this.openingsOf(of) };
    const { timesUs, firstSequences } = this.last.openings;
    timesUs.push(eventTimeUs);
    firstSequences.push(firstSequence);
  }

  /** The earliest time at which numbers can be of which the ledger has these times and this last number. */
  sinceUs(of: InstrumentRecord, sequenceTo: number, fromTimeUs: number, toTimeUs: number): number {
    if (fromTimeUs !== toTimeUs) return fromTimeUs;
    if (this.last === null || !isSame(this.last.of, of)) {
      const openings = this.ofInstrument.get(keyOf(of));
      if (openings === undefined) return fromTimeUs;
      this.last = { of, openings };
    }
    const { timesUs, firstSequences } = this.last.openings;
    const first = firstNotBefore(timesUs, fromTimeUs);
    for (let at = first; at < timesUs.length && timesUs[at] === fromTimeUs; at++)
      if (sequenceTo < firstSequences[at]) return first === 0 ? -Infinity : timesUs[first - 1];
    return fromTimeUs;
  }

  /**
   * Entries with times from here on are of no tick before `toUs`. Those between are: the numbers before the first tick of
   * the session that an instrument opened next.
   */
  nextOpenedUs(toUs: number): number {
    let latestUs = -Infinity;
    for (const { timesUs } of this.ofInstrument.values()) {
      const next = firstNotBefore(timesUs, toUs);
      if (next < timesUs.length) latestUs = Math.max(latestUs, timesUs[next]);
    }
    return Math.max(toUs, latestUs + 1);
  }

  private openingsOf(of: InstrumentRecord): Openings {
    const key = keyOf(of);
    let openings = this.ofInstrument.get(key);
    if (openings === undefined) this.ofInstrument.set(key, (openings = { timesUs: [], firstSequences: [] }));
    return openings;
  }
}

interface Openings {
  readonly timesUs: number[];
  readonly firstSequences: number[];
}

function keyOf({ recordType, exchange, symbol }: InstrumentRecord): string {
  return JSON.stringify([recordType, exchange, symbol]);
}

function isSame(a: InstrumentRecord, b: InstrumentRecord): boolean {
  return a.symbol === b.symbol && a.exchange === b.exchange && a.recordType === b.recordType;
}

/** Position of the first of the rising times that is `timeUs` or later. */
function firstNotBefore(timesUs: readonly number[], timeUs: number): number {
  let low = 0;
  let high = timesUs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timesUs[middle] < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}
