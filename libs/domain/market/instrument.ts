export const ASSET_CLASSES = ['equities', 'crypto', 'futures', 'fx', 'options'] as const;
export type AssetClass = (typeof ASSET_CLASSES)[number];

/**
 * Who numbers the ticks. `venue`: the venue does, so a hole in the numbers is a lost tick.
 * `arrival`: K2 does, in order of arrival, so completeness can never be verified.
 */
export type SequenceOrigin = 'venue' | 'arrival';

export interface Venue {
  /** Code as used in the `exchange` column: `ASX`, `BINANCE`. */
  readonly exchange: string;
  readonly sequenceOrigin: SequenceOrigin;
}

export interface Instrument {
  readonly exchange: string;
  /** The venue's symbol, verbatim. */
  readonly symbol: string;
  readonly assetClass: AssetClass;
  /** ISO 4217 code, or the quote asset of a crypto pair. */
  readonly currency: string;
}

const SYMBOL_LENGTH_MAX = 64;
export const SYMBOL_EXPECTED = `1 to ${SYMBOL_LENGTH_MAX} printable characters without a comma`;

const SYMBOL = new RegExp(`^[^\\p{Cc},]{1,${SYMBOL_LENGTH_MAX}}$`, 'u');

/** A symbol that every question can name: lists of symbols are separated by commas, and requests are of bounded length. */
export function isSymbol(text: string): boolean {
  return SYMBOL.test(text);
}
