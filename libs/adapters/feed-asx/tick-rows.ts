import { QuoteBatchBuilder, TradeBatchBuilder, type Series, type TickBatch, type VendorData } from '@k2/domain/market';

/** A dictionary entry with its code in the batch being built: codes end with the batch, entries do not. */
class Coded<Value> {
  readonly value: Value;
  code = 0;
  batch = -1;
  constructor(value: Value) {
    this.value = value;
  }
}

export type CodedSeries = Coded<Series>;
type CodedConditions = Coded<readonly string[]>;
type CodedVendorData = Coded<VendorData>;
const NO_CONDITIONS: CodedConditions = new Coded<readonly string[]>([]);
export const codedSeries = (series: Series): CodedSeries => new Coded(series);

/** Entries kept of each dictionary; at the bound it is emptied, and equal values then become new entries. */
const ENTRIES_MAX = 4_096;
/** Longest text that fits a number as a key. */
const PACKED_BYTES_MAX = 6;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The rows of one record type on their way into batches, across files. */
abstract class TickRows<Builder extends TradeBatchBuilder | QuoteBatchBuilder> {
  readonly builder: Builder;
  protected batch = 0;
  private readonly lines: Uint32Array;
  /** The files of the batch being built, and how many of its rows stand before each. */
  private files: { readonly source: string; readonly firstRow: number }[] = [];
  private rowCount = 0;

  constructor(builder: Builder, rowsMax: number) {
    this.builder = builder;
    this.lines = new Uint32Array(rowsMax);
  }

  /** Rows are of this file from now on. */
  startFile(source: string): void {
    this.files.push({ source, firstRow: this.rowCount });
  }

  /** Of the row just appended. */
  noteLine(line: number): void {
    this.lines[this.rowCount++] = line;
  }

  take(): { readonly batch: TickBatch; readonly placeOf: (row: number) => string } | null {
    this.batch++;
    const batch = this.builder.take();
    const [lines, files] = [this.lines.slice(0, this.rowCount), this.files];
    this.files = files.slice(-1).map(({ source }) => ({ source, firstRow: 0 }));
    this.rowCount = 0;
    if (batch === null) return null;
    const placeOf = (row: number) => `${files.findLast(({ firstRow }) => firstRow <= row)!.source}:${lines[row]}`;
    return { batch, placeOf };
  }

  seriesCode(series: CodedSeries): number {
    if (series.batch !== this.batch) {
      series.batch = this.batch;
      series.code = this.builder.seriesCode(series.value);
    }
    return series.code;
  }
}

export class QuoteRows extends TickRows<QuoteBatchBuilder> {
  constructor(rowsMax: number) {
    super(new QuoteBatchBuilder(rowsMax), rowsMax);
  }
}

export class TradeRows extends TickRows<TradeBatchBuilder> {
  private readonly byBytes = new Map<number, Coded<readonly string[]>>();
  private readonly byText = new Map<string, Coded<readonly string[]>>();
  private readonly vendorDataByText = new Map<string, Coded<VendorData>>();

  constructor(rowsMax: number) {
    super(new TradeBatchBuilder(rowsMax), rowsMax);
  }

  /** The conditions `[text]`, of no bytes none; null where they are not UTF-8. */
  conditions(bytes: Uint8Array, from: number, to: number): CodedConditions | null {
    if (from === to) return NO_CONDITIONS;
    if (to - from > PACKED_BYTES_MAX) {
      const text = textOf(bytes, from, to);
      return text === null ? null : entry(this.byText, text, [text]);
    }
    let key = 0;
    for (let i = from; i < to; i++) key = key * 256 + bytes[i];
    // The length keeps leading zero bytes apart.
    key = key * 8 + (to - from);
    const known = this.byBytes.get(key);
    if (known !== undefined) return known;
    const text = textOf(bytes, from, to);
    return text === null ? null : entry(this.byBytes, key, [text]);
  }

  /** The columns Venue and BuyerID; an empty one is left out, two are null. Undefined where they are not UTF-8. */
  vendorData(bytes: Uint8Array, from: number, to: number): CodedVendorData | null | undefined {
    if (to - from === 1) return null;
    const text = textOf(bytes, from, to);
    if (text === null) return undefined;
    const known = this.vendorDataByText.get(text);
    if (known !== undefined) return known;
    const venue = text.slice(0, text.indexOf(','));
    const buyerId = text.slice(venue.length + 1);
    return entry(this.vendorDataByText, text, {
      ...(venue !== '' && { venue }),
      ...(buyerId !== '' && { buyer_id: buyerId }),
    });
  }

  conditionsCode(conditions: CodedConditions): number {
    if (conditions === NO_CONDITIONS) return 0;
    if (conditions.batch !== this.batch) {
      conditions.batch = this.batch;
      conditions.code = this.builder.conditionsCode(conditions.value);
    }
    return conditions.code;
  }

  vendorDataCode(vendorData: CodedVendorData): number {
    if (vendorData.batch !== this.batch) {
      vendorData.batch = this.batch;
      vendorData.code = this.builder.vendorDataCode(vendorData.value);
    }
    return vendorData.code;
  }
}

function textOf(bytes: Uint8Array, from: number, to: number): string | null {
  try {
    return decoder.decode(bytes.subarray(from, to));
  } catch {
    return null;
  }
}

function entry<Key, Value>(entries: Map<Key, Coded<Value>>, key: Key, value: Value): Coded<Value> {
  const known = entries.get(key);
  if (known !== undefined) return known;
  const created = new Coded(value);
  if (entries.size === ENTRIES_MAX) entries.clear();
  entries.set(key, created);
  return created;
}
