import type { LedgerSeries, TimeRange } from './missing-ticks.ts';

/** Sessions of one kind that follow each other: of an exchange, or of one of its instruments. */
export interface SessionSpan {
  readonly exchange: string;
  /** Null: of any instrument of the exchange. */
  readonly symbol: string | null;
  /** By the venue: a lost tick leaves a trace. */
  readonly isNumbered: boolean;
}

/** Of whom a session is, as its entry says. */
export interface SessionOwner extends Pick<LedgerSeries, 'recordType' | 'exchange' | 'symbol'> {
  readonly isNumbered: boolean;
}

/** What sessions are looked for among. */
export interface SessionScope extends TimeRange {
  readonly exchange?: string;
  readonly symbols?: readonly string[];
}

/**
 * When the instruments of a scope had sessions, from all of their entries in the ledger. A session lasts until the
 * instrument's next one opens; what is kept is the union of such times, so that a thousand sessions of an instrument are
 * one span, and where no instruments are told apart those of a whole exchange are. What came late may be of times before
 * an instrument's first session opened, unless that opened with number 1, the first of any.
 */
export class SessionSpans {
  private readonly hasSymbols: boolean;
  private readonly spans = new Map<string, Span>();
  private last: { readonly of: SessionOwner; readonly fromUs: number; readonly reachesBack: boolean } | null = null;

  /** `hasSymbols`: whether instruments are told apart. */
  constructor(hasSymbols: boolean) {
    this.hasSymbols = hasSymbols;
  }

  /** About; so that a cache can be bounded. */
  get sizeBytes(): number {
    let bytes = 0;
    for (const [key, { times }] of this.spans) bytes += 256 + 4 * key.length + 16 * times.size;
    return bytes;
  }

  /** Sorted by record type, exchange, symbol and time. */
  add(of: SessionOwner, firstSequence: number, eventTimeUs: number): void {
    const { last } = this;
    const isSame =
      last !== null &&
      last.of.symbol === of.symbol &&
      last.of.exchange === of.exchange &&
      last.of.recordType === of.recordType;
    if (isSame && eventTimeUs < last.fromUs)
      throw new RangeError(
        `a session of ${of.symbol} at ${eventTimeUs} after one at ${last.fromUs}: expected them by time`,
      );
    this.close(isSame ? eventTimeUs : Infinity);
    this.last = { of, fromUs: eventTimeUs, reachesBack: (!isSame || eventTimeUs === last.fromUs) && firstSequence > 1 };
  }

  /** After the last entry. */
  end(): void {
    this.close(Infinity);
    this.last = null;
  }

  /** Those with a session within the times, which are not empty. */
  within(scope: SessionScope): readonly SessionSpan[] {
    const { fromUs = -Infinity, toUs = Infinity } = scope;
    return this.among(scope)
      .filter(({ times }) => times.meets(fromUs, toUs))
      .map(({ of }) => of);
  }

  /** Whether a tick of the times, which are not empty, can have been recorded. */
  mayHaveTicks(scope: SessionScope): boolean {
    const { fromUs = -Infinity, toUs = Infinity } = scope;
    return (
      fromUs < toUs && this.among(scope).some(({ times, beforeUs }) => fromUs < beforeUs || times.meets(fromUs, toUs))
    );
  }

  private among({ exchange, symbols }: SessionScope): readonly Span[] {
    return [...this.spans.values()].filter(
      ({ of }) =>
        (exchange === undefined || of.exchange === exchange) &&
        (symbols === undefined || (of.symbol !== null && symbols.includes(of.symbol))),
    );
  }

  private close(toUs: number): void {
    if (this.last === null) return;
    const { of, fromUs, reachesBack } = this.last;
    const { exchange, isNumbered } = of;
    const symbol = this.hasSymbols ? of.symbol : null;
    const key = JSON.stringify([exchange, symbol, isNumbered]);
    let span = this.spans.get(key);
    if (span === undefined)
      this.spans.set(
        key,
        (span = { of: { exchange, symbol, isNumbered }, times: new TimeUnion(), beforeUs: -Infinity }),
      );
    span.times.add(fromUs, toUs);
    if (reachesBack) span.beforeUs = Math.max(span.beforeUs, fromUs);
  }
}

interface Span {
  readonly of: SessionSpan;
  readonly times: TimeUnion;
  /** Ticks that came late may be of any time before this. */
  beforeUs: number;
}

/** Half-open intervals, joined where they meet. */
class TimeUnion {
  private intervals: { fromUs: number; toUs: number }[] = [];

  get size(): number {
    return this.intervals.length;
  }

  add(fromUs: number, toUs: number): void {
    const joined = { fromUs, toUs };
    const apart = this.intervals.filter((one) => one.toUs < fromUs || one.fromUs > toUs);
    for (const one of this.intervals) {
      if (one.toUs < fromUs || one.fromUs > toUs) continue;
      joined.fromUs = Math.min(joined.fromUs, one.fromUs);
      joined.toUs = Math.max(joined.toUs, one.toUs);
    }
    apart.push(joined);
    this.intervals = apart;
  }

  meets(fromUs: number, toUs: number): boolean {
    return this.intervals.some((one) => one.toUs > fromUs && one.fromUs < toUs);
  }
}
