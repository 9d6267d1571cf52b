import type { AssetClass } from '../market/instrument.ts';
import { int64Words } from '../market/int64.ts';
import type { TickBatch } from '../market/tick-batch.ts';
import { US_PER_DAY } from '../market/time.ts';

/** Why a tick is refused; 0 is accepted. What is odd but possible (a crossed quote, a far price) is accepted. */
export const REFUSALS = [
  'accepted',
  'price-not-positive',
  'quantity-not-positive',
  'quantity-negative',
  'time-out-of-range',
] as const;
export type Refusal = Exclude<(typeof REFUSALS)[number], 'accepted'>;

const ACCEPTED = 0;
const PRICE_NOT_POSITIVE = 1;
const QUANTITY_NOT_POSITIVE = 2;
const QUANTITY_NEGATIVE = 3;
const TIME_OUT_OF_RANGE = 4;

/** Futures, options on spreads and rates do trade below zero. */
const POSITIVE_PRICE: Readonly<Record<AssetClass, boolean>> = {
  equities: true,
  crypto: true,
  fx: true,
  futures: false,
  options: false,
};

/** A venue's clock may run ahead of ours, but not by a day. */
const AHEAD_MAX_US = US_PER_DAY;

export function isPossibleTime(eventTimeUs: number, receiveTimeUs: number): boolean {
  return eventTimeUs >= 0 && eventTimeUs <= receiveTimeUs + AHEAD_MAX_US;
}

/** Index into REFUSALS a row; null where every row is accepted. Only what can't be a tick of any market is refused. */
export function inspectBatch(batch: TickBatch): Uint8Array | null {
  const refusals = new Uint8Array(batch.rowCount);
  let refused = 0;
  const { eventTimeUs, receiveTimeUs } = batch;
  for (let row = 0; row < batch.rowCount; row++) {
    const time = eventTimeUs[row];
    if (!isPossibleTime(time, receiveTimeUs[row])) {
      refusals[row] = TIME_OUT_OF_RANGE;
      refused++;
    }
  }
  const refuse = (values: BigInt64Array, isBad: (sign: number, row: number) => boolean, refusal: number) => {
    const words = int64Words(values);
    for (let row = 0; row < values.length; row++) {
      const high = words[2 * row + 1];
      if (high > 0 || (high === 0 && words[2 * row] !== 0)) continue;
      if (refusals[row] === ACCEPTED && isBad(high < 0 ? -1 : 0, row)) {
        refusals[row] = refusal;
        refused++;
      }
    }
  };
  const isPositive = batch.series.map((series) => POSITIVE_PRICE[series.assetClass]);
  const mustBePositive = (row: number) => isPositive[batch.seriesCode[row]]!;
  if (batch.recordType === 'trades') {
    refuse(batch.price, (_, row) => mustBePositive(row), PRICE_NOT_POSITIVE);
    refuse(batch.quantity, () => true, QUANTITY_NOT_POSITIVE);
  } else {
    // An empty side has quantity 0 and any price.
    const isQuoted = (quantity: BigInt64Array, row: number) => quantity[row] !== 0n;
    refuse(batch.bidQuantity, (sign) => sign < 0, QUANTITY_NEGATIVE);
    refuse(batch.askQuantity, (sign) => sign < 0, QUANTITY_NEGATIVE);
    refuse(batch.bidPrice, (_, row) => mustBePositive(row) && isQuoted(batch.bidQuantity, row), PRICE_NOT_POSITIVE);
    refuse(batch.askPrice, (_, row) => mustBePositive(row) && isQuoted(batch.askQuantity, row), PRICE_NOT_POSITIVE);
  }
  return refused === 0 ? null : refusals;
}
