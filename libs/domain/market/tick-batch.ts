import type { Series } from './series.ts';
import type { VendorData } from './ticks.ts';

export const RECORD_TYPES = ['trades', 'quotes'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** Bound of a batch; codes are therefore 16 bits wide and a row index fits the low 16 bits of a platform sequence. */
export const BATCH_ROWS_MAX = 65_536;

/** Strings of rows, one after the other in UTF-8: row `i` is `bytes[offsets[i] .. offsets[i + 1])`. Empty means none. */
export interface Utf8Column {
  /** rowCount + 1 entries. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

/** The columns every tick has. Typed arrays hold exactly `rowCount` elements. */
export interface TickColumns {
  readonly rowCount: number;
  readonly series: readonly Series[];
  readonly seriesCode: Uint16Array;
  /** Venue's clock, UTC µs. */
  readonly eventTimeUs: Float64Array;
  /** Our clock, UTC µs. */
  readonly receiveTimeUs: Float64Array;
  readonly venueSequence: Float64Array;
  /** Distinct values; the rows refer to them by code. */
  readonly vendorData: readonly (VendorData | null)[];
  readonly vendorDataCode: Uint16Array;
}

export interface TradeBatch extends TickColumns {
  readonly recordType: 'trades';
  readonly tradeId: Utf8Column;
  /** decimal(18,8), scaled. */
  readonly price: BigInt64Array;
  readonly quantity: BigInt64Array;
  /** Index into AGGRESSOR_SIDES. */
  readonly aggressorSide: Uint8Array;
  readonly conditions: readonly (readonly string[])[];
  readonly conditionsCode: Uint16Array;
}

export interface QuoteBatch extends TickColumns {
  readonly recordType: 'quotes';
  readonly quoteId: Utf8Column;
  /** decimal(18,8), scaled. */
  readonly bidPrice: BigInt64Array;
  readonly bidQuantity: BigInt64Array;
  readonly askPrice: BigInt64Array;
  readonly askQuantity: BigInt64Array;
}

/** 1 to 65,536 ticks of one record type, as columns. Immutable once built. */
export type TickBatch = TradeBatch | QuoteBatch;

/** Ticks with their place in the log, as the store takes them. */
export interface PlacedBatch {
  readonly batch: TickBatch;
  /** Position in the log, see `platformSequence`; rowCount elements. */
  readonly platformSequence: BigInt64Array;
}
