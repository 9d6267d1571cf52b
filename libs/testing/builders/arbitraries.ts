import {
  AGGRESSOR_SIDES,
  ASSET_CLASSES,
  DECIMAL_SCALED_MAX,
  US_PER_DAY,
  type Quote,
  type QuoteBatch,
  type Series,
  type TickBatch,
  type Trade,
  type TradeBatch,
  type VendorData,
} from '@k2/domain/market';
import fc, { type Arbitrary } from 'fast-check';
import { DAY_START_US, quoteBatch, series, tradeBatch } from './batches.ts';

/**
 * Symbols that bounds and orders get wrong: equal in the first 16 characters (where Iceberg cuts its bounds), and
 * in another order as UTF-16 than as UTF-8 (U+FFFD comes after U+1F600 as UTF-16, before it as UTF-8).
 */
export const AWKWARD_SYMBOLS: readonly string[] = [
  'BHP',
  'BH',
  'bhp',
  'SIXTEEN-AND-MORE-1',
  'SIXTEEN-AND-MORE-2',
  `SIXTEEN-AND-MOR\u{10FFFF}x`,
  '\uFFFD',
  '\u{1F600}',
  'A/B%',
  "O'NE",
];

/** Any decimal(18,8), scaled; extremes often. */
export function arbitraryDecimal(): Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min: -DECIMAL_SCALED_MAX, max: DECIMAL_SCALED_MAX }),
    fc.constantFrom(DECIMAL_SCALED_MAX, -DECIMAL_SCALED_MAX, 0n, -1n, 1n, 4_294_967_296n, -4_294_967_297n),
    fc.bigInt({ min: -10_000_000_000n, max: 10_000_000_000n }),
  );
}

/** Times on a few days around the builders' one, to the µs, midnights included. */
export function arbitraryTimeUs(days = 4): Arbitrary<number> {
  const within = fc.oneof(fc.integer({ min: 0, max: US_PER_DAY - 1 }), fc.constantFrom(0, 1, US_PER_DAY - 1));
  return fc
    .tuple(fc.integer({ min: 0, max: days - 1 }), within)
    .map(([day, us]) => DAY_START_US + day * US_PER_DAY + us);
}

export function arbitrarySequence(): Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(0, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
}

export function arbitraryText(): Arbitrary<string> {
  return fc.string({ unit: 'grapheme', maxLength: 20 });
}

export function arbitrarySeries(): Arbitrary<Series> {
  return fc
    .record({
      exchange: fc.constantFrom('ASX', 'BINANCE', 'X/Y Z'),
      symbol: fc.constantFrom(...AWKWARD_SYMBOLS),
      assetClass: fc.constantFrom(...ASSET_CLASSES),
      currency: fc.constantFrom('AUD', 'USDT', ''),
      session: fc.constantFrom('2014-03-10', '', 's/1'),
      sequenceOrigin: fc.constantFrom('venue', 'arrival'),
      firstSequence: fc.constantFrom(null, 0, 1),
    })
    .map(series);
}

export function arbitraryVendorData(): Arbitrary<VendorData | null> {
  const entries = fc.uniqueArray(fc.tuple(arbitraryText(), arbitraryText()), {
    maxLength: 3,
    selector: ([key]) => key,
  });
  return fc.option(entries.map((pairs) => Object.fromEntries(pairs)));
}

export function arbitraryTrade(): Arbitrary<Trade> {
  return fc.record({
    ...commonFields(),
    tradeId: arbitraryId(),
    price: arbitraryDecimal(),
    quantity: arbitraryDecimal(),
    aggressorSide: fc.constantFrom(...AGGRESSOR_SIDES),
    conditions: fc.array(arbitraryText(), { maxLength: 3 }),
  });
}

export function arbitraryQuote(): Arbitrary<Quote> {
  return fc.record({
    ...commonFields(),
    quoteId: arbitraryId(),
    bidPrice: arbitraryDecimal(),
    bidQuantity: arbitraryDecimal(),
    askPrice: arbitraryDecimal(),
    askQuantity: arbitraryDecimal(),
  });
}

/** 1 to `rowsMax` trades of up to three series, in any order of time and sequence. */
export function arbitraryTradeBatch(rowsMax = 20): Arbitrary<TradeBatch> {
  return arbitraryRows(arbitraryTrade(), rowsMax).map((rows) => tradeBatch({ rows }));
}

export function arbitraryQuoteBatch(rowsMax = 20): Arbitrary<QuoteBatch> {
  return arbitraryRows(arbitraryQuote(), rowsMax).map((rows) => quoteBatch({ rows }));
}

export function arbitraryTickBatch(rowsMax = 20): Arbitrary<TickBatch> {
  return fc.oneof(arbitraryTradeBatch(rowsMax), arbitraryQuoteBatch(rowsMax));
}

function commonFields() {
  return {
    eventTimeUs: arbitraryTimeUs(),
    receiveTimeUs: arbitraryTimeUs(),
    venueSequence: arbitrarySequence(),
    vendorData: arbitraryVendorData(),
  };
}

/** Null or not empty: in a batch an empty id means none. */
function arbitraryId(): Arbitrary<string | null> {
  return fc.option(arbitraryText().filter((text) => text !== ''));
}

function arbitraryRows<Tick>(
  tick: Arbitrary<Tick>,
  rowsMax: number,
): Arbitrary<(Tick & { readonly series: Series })[]> {
  return fc.array(arbitrarySeries(), { minLength: 1, maxLength: 3 }).chain((all) =>
    fc.array(
      fc.tuple(tick, fc.constantFrom(...all)).map(([row, of]) => ({ ...row, series: of })),
      { minLength: 1, maxLength: rowsMax },
    ),
  );
}
