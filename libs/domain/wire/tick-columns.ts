import { int64Words } from '../market/int64.ts';
import type { Series } from '../market/series.ts';
import type { RecordType, TickBatch } from '../market/tick-batch.ts';
import type { VendorData } from '../market/ticks.ts';
import { DictionaryColumn, type DictionaryField } from './dictionary-column.ts';
import { Utf8Rows } from './utf8-rows.ts';

export interface TickDictionaries {
  readonly series: DictionaryField<Series>;
  readonly vendorData: DictionaryField<VendorData | null>;
  readonly conditions: DictionaryField<readonly string[]>;
}

/** The columns of a batch while it grows, by the field names of the schema. Cells of rows not yet counted are scratch. */
export class TickColumnsBuilder {
  private readonly recordType: RecordType;
  readonly longs: ReadonlyMap<string, Float64Array>;
  readonly decimals: ReadonlyMap<string, BigInt64Array>;
  readonly sides: Uint8Array;
  readonly ids: Utf8Rows;
  readonly series: DictionaryColumn<Series>;
  readonly vendorData: DictionaryColumn<VendorData | null>;
  readonly conditions: DictionaryColumn<readonly string[]>;

  constructor(recordType: RecordType, rowsMax: number, dictionaries: TickDictionaries) {
    const isTrades = recordType === 'trades';
    const decimals = isTrades ? ['price', 'quantity'] : ['bid_price', 'bid_quantity', 'ask_price', 'ask_quantity'];
    this.recordType = recordType;
    this.longs = columns(['source_sequence', 'timestamp', 'ingestion_timestamp'], () => new Float64Array(rowsMax));
    this.decimals = columns(decimals, () => new BigInt64Array(rowsMax));
    this.sides = new Uint8Array(isTrades ? rowsMax : 0);
    this.ids = new Utf8Rows(rowsMax);
    this.series = new DictionaryColumn(rowsMax, dictionaries.series);
    this.vendorData = new DictionaryColumn(rowsMax, dictionaries.vendorData);
    this.conditions = new DictionaryColumn(isTrades ? rowsMax : 0, dictionaries.conditions);
  }

  /** The words of a decimal column. */
  words(name: string): Int32Array {
    return int64Words(this.decimals.get(name)!);
  }

  /** Bytes of the columns that have no bound by their rows. */
  get byteCount(): number {
    const { ids, series, vendorData, conditions } = this;
    return ids.byteCount + series.byteCount + vendorData.byteCount + conditions.byteCount;
  }

  commitRow(row: number): void {
    this.ids.commit(row);
    this.series.commit(row);
    this.vendorData.commit(row);
    if (this.recordType === 'trades') this.conditions.commit(row);
  }

  /** The first rows as a batch; the columns are then empty. */
  take(rowCount: number): TickBatch {
    const longs = (name: string) => this.longs.get(name)!.slice(0, rowCount);
    const decimals = (name: string) => this.decimals.get(name)!.slice(0, rowCount);
    const { values: series, codes: seriesCode } = this.series.take(rowCount);
    const { values: vendorData, codes: vendorDataCode } = this.vendorData.take(rowCount);
    const common = {
      rowCount,
      series,
      seriesCode,
      eventTimeUs: longs('timestamp'),
      receiveTimeUs: longs('ingestion_timestamp'),
      venueSequence: longs('source_sequence'),
      vendorData,
      vendorDataCode,
    };
    const ids = this.ids.take(rowCount);
    if (this.recordType === 'quotes') {
      return {
        recordType: 'quotes',
        ...common,
        quoteId: ids,
        bidPrice: decimals('bid_price'),
        bidQuantity: decimals('bid_quantity'),
        askPrice: decimals('ask_price'),
        askQuantity: decimals('ask_quantity'),
      };
    }
    const { values: conditions, codes: conditionsCode } = this.conditions.take(rowCount);
    return {
      recordType: 'trades',
      ...common,
      tradeId: ids,
      price: decimals('price'),
      quantity: decimals('quantity'),
      aggressorSide: this.sides.slice(0, rowCount),
      conditions,
      conditionsCode,
    };
  }
}

function columns<Values>(names: readonly string[], create: () => Values): ReadonlyMap<string, Values> {
  return new Map(names.map((name) => [name, create()]));
}
