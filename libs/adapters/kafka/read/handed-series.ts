import type { Series } from '@k2/domain/market';
import type { LogRecord } from '@k2/ports';

/**
 * Blocks name their series again and again, and objects are what is slow to hand to another thread: each series goes over
 * once, and then by its number. At the bound both sides forget them all.
 */
const SERIES_MAX = 65_536;

/** A record whose batch has numbers for its series. */
export type NumberedRecord = Omit<LogRecord, 'payload'> & { readonly payload: unknown };

export interface HandedSeries {
  /** The numbers begin again at 0. */
  readonly isReset: boolean;
  /** Those that get the next numbers. */
  readonly added: readonly Series[];
}

/** The side that hands over. Messages have to be taken in the order they were made. */
export class SeriesNumbers {
  private numbers = new Map<string, number>();
  /** The same by object: decoders mostly give the same one for the same series. */
  private numbersOfObjects = new WeakMap<Series, number>();
  private added: Series[] = [];
  private isReset = false;

  numbered(record: LogRecord): NumberedRecord {
    const { payload } = record;
    if (payload.kind !== 'ticks') return record;
    const series = Uint32Array.from(payload.batch.series, (of) => this.numberOf(of));
    return { ...record, payload: { ...payload, batch: { ...payload.batch, series } } };
  }

  /** What the other side needs for the records numbered since the last time. */
  handOver(): HandedSeries {
    const handed = { isReset: this.isReset, added: this.added };
    this.added = [];
    this.isReset = false;
    return handed;
  }

  /** To be asked between two messages. */
  forgetIfFull(): void {
    if (this.numbers.size < SERIES_MAX) return;
    this.numbers = new Map();
    this.numbersOfObjects = new WeakMap();
    this.isReset = true;
  }

  private numberOf(series: Series): number {
    let number = this.numbersOfObjects.get(series);
    if (number === undefined) {
      number = this.numberOfText(series);
      this.numbersOfObjects.set(series, number);
    }
    return number;
  }

  private numberOfText(series: Series): number {
    const { exchange, symbol, assetClass, currency, session, sequenceOrigin, firstSequence } = series;
    const key = `${symbol}\n${session}\n${exchange}\n${assetClass}\n${currency}\n${sequenceOrigin}\n${firstSequence}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(key, number);
      this.added.push(series);
    }
    return number;
  }
}

/** The side that takes. */
export class SeriesByNumber {
  private series: Series[] = [];

  take({ isReset, added }: HandedSeries): void {
    if (isReset) this.series = [];
    this.series.push(...added);
  }

  named(record: NumberedRecord): LogRecord {
    const { payload } = record as LogRecord;
    if (payload.kind !== 'ticks') return record as LogRecord;
    const numbers = payload.batch.series as unknown as Uint32Array;
    const series = Array.from(numbers, (number) => this.series[number]);
    return { ...(record as LogRecord), payload: { ...payload, batch: { ...payload.batch, series } } };
  }
}
