import { quarantineId, type Rejection } from '@k2/domain/lake';
import { civilDate, dayNumber, printTimeUs, type RecordType, type Series } from '@k2/domain/market';
import { isPossibleTime } from '@k2/domain/quality';
import type { CompanySymbols } from './company-symbols.ts';
import { DATE_AND_TIME_BYTES, dateKeyAt, timeOfDayUsAt } from './fields.ts';
import { SydneyDayClock, type SydneyCalendar } from './sydney-time.ts';
import { codedSeries, type CodedSeries, type QuoteRows, type TradeRows } from './tick-rows.ts';

/** Longest line that can be a row, and the bytes of a refused line that are kept. */
export const LINE_BYTES_MAX = 65_536;
/** A line beyond it says that the file is no CSV. */
export const CSV_LINE_BYTES_MAX = 16_777_216;
/** At either bound a parser stops until its rejections are taken. */
const REJECTIONS_MAX = 1_000;
const REJECTED_BYTES_MAX = 1_048_576;

export const ASX_REJECTION_REASONS = [
  'malformed-row',
  'nonexistent-time',
  'time-out-of-range',
  'unknown-symbol',
  'line-too-long',
] as const;
export type AsxRejectionReason = (typeof ASX_REJECTION_REASONS)[number];

/** `source` as in rejections: `asx:trades/7078.csv`. */
export interface AsxFile {
  readonly source: string;
  readonly companyId: string;
  readonly recordType: RecordType;
}

/** What a file held, counted. Every line is in exactly one of the counts. */
export interface AsxFileSummary {
  readonly source: string;
  readonly keptRows: number;
  readonly rejectedRows: Readonly<Record<AsxRejectionReason, number>>;
  /** Lines without a byte in them; they hold no row. */
  readonly blankLines: number;
}

/** One date of one file: a session of the instrument, or a date on which the company has no symbol. */
interface FileDay {
  readonly series: CodedSeries | null;
  readonly clock: SydneyDayClock;
  nextSequence: number;
}

/** Why `readRow` did not take a row: the index of the field, or one of these. */
export const NO_FAULT = -1;
export const WRONG_FIELD_COUNT = -2;
const NONEXISTENT_TIME = -3;
const UNKNOWN_SYMBOL = -4;
const TIME_OUT_OF_RANGE = -5;

/**
 * The rows of one file, from windows of its bytes; pure.
 *
 * ASX files have no sequence numbers: rows are numbered from 1 in file order, for each session (Sydney date). A refused
 * row takes a number too, so that a corrected file fills the hole and moves no other row: of the session of its own
 * date, or where that is unreadable of the row above, or at the file's start of the first row below.
 */
export abstract class AsxFileParser {
  readonly file: AsxFile;
  private readonly symbols: CompanySymbols;
  private readonly calendar: SydneyCalendar;
  private readonly days = new Map<number, FileDay | null>();
  private today: FileDay | null = null;
  /** NaN equals no key of a row. */
  private todayKey = Number.NaN;
  private numbersOwed = 0;
  private line = 0;
  /** Bytes read of a line that is too long and whose end has not been seen; 0 outside of one. */
  private longLineBytes = 0;
  private rejections: Rejection[] = [];
  private rejectedBytes = 0;
  private keptRows = 0;
  private blankLines = 0;
  private readonly rejectedRows = {
    'malformed-row': 0,
    'nonexistent-time': 0,
    'time-out-of-range': 0,
    'unknown-symbol': 0,
    'line-too-long': 0,
  };
  protected receiveTimeUs = 0;
  protected abstract readonly fieldNames: readonly string[];
  protected abstract readonly rows: TradeRows | QuoteRows;

  constructor(file: AsxFile, symbols: CompanySymbols, calendar: SydneyCalendar) {
    this.file = file;
    this.symbols = symbols;
    this.calendar = calendar;
  }

  /**
   * Reads the whole lines of `bytes` from a position on; with `isLast` also a last one without a line feed.
   * Stops early where `isDue`. Returns the position of the first byte not read: there the next window begins.
   */
  parse(bytes: Uint8Array, from: number, isLast: boolean, receiveTimeUs: number): number {
    this.receiveTimeUs = receiveTimeUs;
    let at = this.line === 0 && hasByteOrderMark(bytes, from) ? from + 3 : from;
    while (at < bytes.length && !this.isDue) {
      const newline = bytes.indexOf(10, at);
      const isInsideLongLine = this.longLineBytes > 0;
      if (newline < 0 && !isLast && !isInsideLongLine && bytes.length - at <= LINE_BYTES_MAX) return at;
      const end = newline < 0 ? bytes.length : newline;
      if (!isInsideLongLine) this.readLine(bytes, at, end);
      this.longLineBytes = newline < 0 && !isLast ? this.longLineBytes + end - at : 0;
      at = end + 1;
    }
    return Math.min(at, bytes.length);
  }

  /** Number of a line that no CSV has; null where there is none. */
  get endlessLine(): number | null {
    return this.longLineBytes > CSV_LINE_BYTES_MAX ? this.line : null;
  }

  /** The batch or the rejections have to be taken before more is read. */
  get isDue(): boolean {
    return (
      this.rows.builder.isFull || this.rejections.length >= REJECTIONS_MAX || this.rejectedBytes >= REJECTED_BYTES_MAX
    );
  }

  takeRejections(): readonly Rejection[] {
    const taken = this.rejections;
    this.rejections = [];
    this.rejectedBytes = 0;
    return taken;
  }

  summary(): AsxFileSummary {
    const { keptRows, blankLines } = this;
    return { source: this.file.source, keptRows, rejectedRows: { ...this.rejectedRows }, blankLines };
  }

  /** Appends the row whose fields after the time are in `[at, end)`; otherwise says why not and appends nothing. */
  protected abstract readFields(
    bytes: Uint8Array,
    at: number,
    end: number,
    series: CodedSeries,
    eventTimeUs: number,
    sequence: number,
  ): number;

  private readLine(bytes: Uint8Array, from: number, to: number): void {
    const end = to > from && bytes[to - 1] === 13 ? to - 1 : to;
    this.line++;
    if (end === from) this.blankLines++;
    else if (end - from > LINE_BYTES_MAX) this.refuseLongLine(bytes, from, end);
    else {
      const fault = this.readRow(bytes, from, end);
      if (fault === NO_FAULT) {
        this.keptRows++;
        this.rows.noteLine(this.line);
      } else this.refuseRow(bytes, from, end, fault);
    }
  }

  private readRow(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < DATE_AND_TIME_BYTES) return WRONG_FIELD_COUNT;
    const key = dateKeyAt(bytes, at);
    if (key !== this.todayKey && !this.enterDate(key)) return 0;
    const today = this.today!;
    if (today.series === null) return UNKNOWN_SYMBOL;
    const timeOfDayUs = timeOfDayUsAt(bytes, at + 11);
    if (timeOfDayUs < 0) return 1;
    const eventTimeUs = today.clock.toUtcUs(timeOfDayUs);
    if (Number.isNaN(eventTimeUs)) return NONEXISTENT_TIME;
    // Refused here and not by the sink: there the number would count as seen, although it may be our clock that is wrong.
    if (!isPossibleTime(eventTimeUs, this.receiveTimeUs)) return TIME_OUT_OF_RANGE;
    const fault = this.readFields(bytes, at + DATE_AND_TIME_BYTES, end, today.series, eventTimeUs, today.nextSequence);
    if (fault === NO_FAULT) today.nextSequence++;
    return fault;
  }

  /** Makes the date the one that rows are numbered in; false where it is no date. */
  private enterDate(key: number): boolean {
    if (key < 0) return false;
    let day = this.days.get(key);
    if (day === undefined) {
      day = this.fileDay(key);
      this.days.set(key, day);
    }
    if (day === null) return false;
    if (day.series !== null) {
      day.nextSequence += this.numbersOwed;
      this.numbersOwed = 0;
    }
    this.today = day;
    this.todayKey = key;
    return true;
  }

  private fileDay(key: number): FileDay | null {
    const [year, month, date] = [Math.floor(key / 10_000), Math.floor(key / 100) % 100, key % 100];
    const day = dayNumber(year, month, date);
    const session = civilDate(day);
    if (Number(session.replaceAll('-', '')) !== key || year < 1900 || year > 2199) return null;
    const symbol = this.symbols.symbol(this.file.companyId, day);
    const clock = new SydneyDayClock(this.calendar.day(day));
    return { series: symbol === null ? null : codedSeries(asxSeries(symbol, session)), clock, nextSequence: 1 };
  }

  private refuseLongLine(bytes: Uint8Array, from: number, end: number): void {
    const date = dateKeyAt(bytes, from);
    if (date !== this.todayKey) this.enterDate(date);
    this.refuse('line-too-long', `the line is longer than ${LINE_BYTES_MAX} bytes: expected one row`, bytes, from, end);
  }

  private refuseRow(bytes: Uint8Array, from: number, end: number, fault: number): void {
    const fields = new TextDecoder().decode(bytes.subarray(from, end)).split(',');
    const [date, time] = fields;
    if (fault === NONEXISTENT_TIME) {
      const detail = `Time ${time} does not exist in Sydney on ${date}: clocks went forward over it; expected a local time`;
      this.refuse('nonexistent-time', detail, bytes, from, end);
    } else if (fault === TIME_OUT_OF_RANGE) {
      const detail = `Date and Time are ${date} ${time}: expected 1970 at the earliest and a day ahead of this machine's clock at most, which says ${printTimeUs(this.receiveTimeUs)}`;
      this.refuse('time-out-of-range', detail, bytes, from, end);
    } else if (fault === UNKNOWN_SYMBOL) {
      const detail = `company ${this.file.companyId} has no symbol on ${date}: expected a row of company_info.csv whose dates cover it`;
      this.refuse('unknown-symbol', detail, bytes, from, end);
    } else {
      this.refuse('malformed-row', describe(fields, fault, this.fieldNames), bytes, from, end);
    }
  }

  private refuse(reason: AsxRejectionReason, detail: string, bytes: Uint8Array, from: number, end: number): void {
    if (this.today === null) this.numbersOwed++;
    else this.today.nextSequence++;
    const raw = bytes.slice(from, Math.min(end, from + LINE_BYTES_MAX));
    const { source, recordType } = this.file;
    this.rejections.push({
      quarantineId: quarantineId(source, this.line, raw),
      exchange: 'ASX',
      recordType,
      source,
      position: this.line,
      reason,
      detail: `${source} line ${this.line}: ${detail}`,
      raw,
      receiveTimeUs: this.receiveTimeUs,
    });
    this.rejectedBytes += raw.length;
    this.rejectedRows[reason]++;
  }
}

function asxSeries(symbol: string, session: string): Series {
  return {
    exchange: 'ASX',
    symbol,
    assetClass: 'equities',
    currency: 'AUD',
    session,
    sequenceOrigin: 'arrival',
    firstSequence: null,
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  Date: 'a date as MM/DD/YYYY, 03/10/2014 for 10 March',
  Time: 'a time of day as 13:50:38.849',
  Qualifiers: 'text in UTF-8',
  Venue: 'text in UTF-8',
};
const EXPECTED_NUMBER = 'a decimal of at most 10 digits before and 8 after the point';
/** Of a value quoted in a detail. */
const QUOTED_CHARACTERS_MAX = 80;

function describe(fields: readonly string[], fault: number, names: readonly string[]): string {
  if (fault < 0 || fields.length !== names.length) {
    const count = fields.length === 1 ? '1 field' : `${fields.length} fields`;
    return `the row has ${count}: expected ${names.length}, ${names.join(',')}`;
  }
  const name = names[fault];
  const value = fields[fault].slice(0, QUOTED_CHARACTERS_MAX);
  return `${name} is ${JSON.stringify(value)}: expected ${EXPECTED[name] ?? EXPECTED_NUMBER}`;
}

function hasByteOrderMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}
