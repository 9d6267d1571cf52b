/** Single ticks: the convenient view. Loops that run per tick work on the columns of a TickBatch instead. */

export const AGGRESSOR_SIDES = ['UNKNOWN', 'BUY', 'SELL'] as const;
export type AggressorSide = (typeof AGGRESSOR_SIDES)[number];

/** What only one venue has, verbatim. */
export type VendorData = Readonly<Record<string, string>>;

interface Tick {
  /** Matching-engine time, UTC µs. */
  readonly eventTimeUs: number;
  /** Our clock when it arrived, UTC µs. */
  readonly receiveTimeUs: number;
  /** Position in the series; exact integer. */
  readonly venueSequence: number;
  readonly vendorData: VendorData | null;
}

/** One match. Price and quantity are decimal(18,8), scaled. */
export interface Trade extends Tick {
  readonly tradeId: string | null;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly aggressorSide: AggressorSide;
  readonly conditions: readonly string[];
}

/** Best bid and ask. A quantity of 0 means that the side is empty; its price is then whatever the venue sent. */
export interface Quote extends Tick {
  readonly quoteId: string | null;
  readonly bidPrice: bigint;
  readonly bidQuantity: bigint;
  readonly askPrice: bigint;
  readonly askQuantity: bigint;
}

/** A change of one price level of the book; quantity 0 removes the level. */
export interface BookDelta extends Tick {
  readonly bookSide: 'BID' | 'ASK';
  readonly price: bigint;
  readonly quantity: bigint;
}
