import type { TimeRange } from './missing-ticks.ts';

/** Sessions of one kind that follow each other: of an exchange, or of one of its instruments. */
export interface SessionSpan {
  readonly exchange: string;
  /** Null: of any instrument of the exchange. */
  readonly symbol: string | null;
  /** By the venue: a lost tick leaves a trace. */
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
 * one span, and where no instruments are told apart those of a whole exchange are.
 */
export class SessionSpans {
  private readonly hasSymbols: boolean;
  private readonly spans = new Map<string, { readonly of: SessionSpan; readonly times: TimeUnion }>();
  private last: { exchange: string; symbol: string; isNumbered: boolean; fromUs: number } | null = null;

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

  /** Sorted by exchange, symbol and time. */
  add(exchange: string, symbol: string, isNumbered: boolean, eventTimeUs: number): void {
    const { last } = this;
    const isSame = last !== null && last.exchange === exchange && last.symbol === symbol;
    if (isSame && eventTimeUs < last.fromUs)
      throw new RangeError(
        `a session of ${symbol} at ${eventTimeUs} after one at ${last.fromUs}: expected them by time`,
      );
    this.close(isSame ? eventTimeUs : Infinity);
    this.last = { exchange, symbol, isNumbered, fromUs: eventTimeUs };
  }

  /** After the last entry. */
  end(): void {
    this.close(Infinity);
    this.last = null;
  }

  /** Those with a session within the times, which are not empty. */
  within({ exchange, symbols, fromUs = -Infinity, toUs = Infinity }: SessionScope): readonly SessionSpan[] {
    const found: SessionSpan[] = [];
    for (const { of, times } of this.spans.values()) {
      if (exchange !== undefined && of.exchange !== exchange) continue;
      if (symbols !== undefined && (of.symbol === null || !symbols.includes(of.symbol))) continue;
      if (times.meets(fromUs, toUs)) found.push(of);
    }
    return found;
  }

  private close(toUs: number): void {
    if (this.last === null) return;
    const { exchange, isNumbered, fromUs } = this.last;
    const symbol = this.hasSymbols ? this.last.symbol : null;
    const key = JSON.stringify([exchange, symbol, isNumbered]);
    let span = this.spans.get(key);
    if (span === undefined)
      this.spans.set(key, (span = { of: { exchange, symbol, isNumbered }, times: new TimeUnion() }));
    span.times.add(fromUs, toUs);
  }
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
