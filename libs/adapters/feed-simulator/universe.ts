import type { AssetClass } from '@k2/domain/market';
import { Sfc32 } from './random.ts';

/** An invented venue: one asset class, one currency. Values are scaled by 10^8. */
export interface SimulatedVenue {
  readonly exchange: string;
  readonly assetClass: AssetClass;
  readonly currency: string;
  /** Holds an auction at the start and the end of a session. */
  readonly hasAuctions: boolean;
  /** Tick sizes that its instruments have. */
  readonly tickSizes: readonly number[];
  /** Smallest quantity; quantities are multiples. */
  readonly lot: number;
  symbol(index: number): string;
}

export const SIMULATED_VENUES: readonly SimulatedVenue[] = [
  {
    exchange: 'SIMX',
    assetClass: 'equities',
    currency: 'USD',
    hasAuctions: true,
    tickSizes: [1_000_000, 500_000],
    lot: 100_000_000,
    symbol: (index) => letters(index, 4),
  },
  {
    exchange: 'SIMC',
    assetClass: 'crypto',
    currency: 'USDT',
    hasAuctions: false,
    tickSizes: [1_000_000, 10_000, 100],
    lot: 12_345,
    symbol: (index) => `${letters(index, 3)}-USDT`,
  },
  {
    exchange: 'SIMF',
    assetClass: 'futures',
    currency: 'USD',
    hasAuctions: true,
    tickSizes: [25_000_000, 1_562_500],
    lot: 100_000_000,
    symbol: (index) => `${letters(index, 3)}Z6`,
  },
  {
    exchange: 'SIME',
    assetClass: 'equities',
    currency: 'EUR',
    hasAuctions: true,
    tickSizes: [500_000, 1_000_000],
    lot: 100_000_000,
    symbol: (index) => `${letters(index, 4)}.E`,
  },
];

/** Prices stay within [1/4, 4] of where they start, in ticks of the instrument. */
const START_TICKS_MIN = 400;
const START_TICKS_RANGE = 8_000;

/** The instruments by rank of activity, as columns; the ranks go round the venues. */
export class Universe {
  readonly size: number;
  readonly venues: readonly SimulatedVenue[];
  readonly venueOf: Uint8Array;
  readonly tickSize: Float64Array;
  readonly lot: Float64Array;
  readonly startTicks: Float64Array;
  readonly symbols: readonly string[];

  constructor(seed: number, venueCount: number, instrumentsPerVenue: number) {
    const random = new Sfc32(seed, 1);
    this.venues = SIMULATED_VENUES.slice(0, venueCount);
    this.size = venueCount * instrumentsPerVenue;
    this.venueOf = new Uint8Array(this.size);
    this.tickSize = new Float64Array(this.size);
    this.lot = new Float64Array(this.size);
    this.startTicks = new Float64Array(this.size);
    this.symbols = Array.from({ length: this.size }, (_, rank) => {
      const venue = this.venues[rank % venueCount];
      const index = Math.floor(rank / venueCount);
      this.venueOf[rank] = rank % venueCount;
      this.tickSize[rank] = venue.tickSizes[index % venue.tickSizes.length];
      this.lot[rank] = venue.lot;
      this.startTicks[rank] = START_TICKS_MIN + Math.floor(random.fraction() * START_TICKS_RANGE);
      return venue.symbol(index);
    });
  }
}

/** AAAA, AAAB, …: 26^width different. */
function letters(index: number, width: number): string {
  const digits = Array.from({ length: width }, (_, place) => Math.floor(index / 26 ** (width - 1 - place)) % 26);
  return String.fromCharCode(...digits.map((digit) => 65 + digit));
}
