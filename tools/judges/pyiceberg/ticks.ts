import {
  recordPositions,
  QuoteBatchBuilder,
  TradeBatchBuilder,
  US_PER_DAY,
  type PlacedBatch,
  type Series,
  type TickBatch,
} from '@k2/domain/market';

/** In order. Awkward on purpose: longer than a bound, equal in their first 16 characters, beyond the basic plane. */
export const SYMBOLS = [
  'A-VERY-LONG-OPTION-2014-C-3250',
  'A-VERY-LONG-OPTION-2014-P-3250',
  'BHP',
  'CSL',
  'ÆØÅ',
  '😀-PERP',
] as const;
export const VENUES = ['XASX', 'SIMULATED-EXCHANGE'] as const;
/** 2014-03-10T00:00:00Z. */
export const FIRST_DAY_US = 1_394_409_600_000_000;

const ROWS_PER_SYMBOL = 1_500;
const CONDITIONS = [[], ['XT'], ['late report', 'crossing trade of unusual size']];
const VENDOR_DATA = [null, { flags: 'a value longer than twelve bytes', ü: 'ß' }];

export function tradeTicks(venue: string, symbols: readonly string[], day: number, offset: number): PlacedBatch[] {
  const builder = new TradeBatchBuilder();
  forEachTick(venue, symbols, day, (series, timeUs, sequence, n) => {
    builder.append(
      builder.seriesCode(series),
      timeUs,
      timeUs + 700 + (n % 90),
      sequence,
      3_600_000_000 + (n % 997) * 1_000_003 - (n % 50 === 0 ? 7_200_000_000 : 0),
      1 + (n % 13) * 123_456_789,
      n % 3,
      n % 7 === 0 ? '' : n % 2 === 0 ? `T${n}` : `trade-of-${venue}-${n}`,
      builder.conditionsCode(CONDITIONS[n % CONDITIONS.length]),
      builder.vendorDataCode(VENDOR_DATA[n % VENDOR_DATA.length]),
    );
  });
  return placed(builder.take(), offset);
}

export function quoteTicks(venue: string, symbols: readonly string[], day: number, offset: number): PlacedBatch[] {
  const builder = new QuoteBatchBuilder();
  forEachTick(venue, symbols, day, (series, timeUs, sequence, n) => {
    const bid = 3_600_000_000 + (n % 997) * 1_000_000;
    builder.append(
      builder.seriesCode(series),
      timeUs,
      timeUs,
      sequence,
      bid,
      (n % 11) * 100_000_000,
      bid + 2_000_000,
      500_000_000,
      '',
    );
  });
  return placed(builder.take(), offset);
}

/** Symbols by turns, some ticks out of time order. */
function forEachTick(
  venue: string,
  symbols: readonly string[],
  day: number,
  visit: (series: Series, timeUs: number, sequence: number, n: number) => void,
): void {
  const series = symbols.map((symbol): Series => ({
    exchange: venue,
    symbol,
    // Of all classes the one whose prices may be negative, as some are here.
    assetClass: 'options',
    currency: 'AUD',
    session: `day-${day}`,
    sequenceOrigin: 'venue',
    firstSequence: 1,
  }));
  for (let n = 0; n < ROWS_PER_SYMBOL * series.length; n++) {
    const timeUs = FIRST_DAY_US + day * US_PER_DAY + n * 1_000_001 - (n % 100 === 99 ? 5_000_000 : 0);
    visit(series[n % series.length], timeUs, 1 + Math.floor(n / series.length), n);
  }
}

function placed(batch: TickBatch | null, offset: number): PlacedBatch[] {
  if (batch === null) return [];
  return [
    {
      batch,
      platformSequence: recordPositions(offset, batch.rowCount),
    },
  ];
}
