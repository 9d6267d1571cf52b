import { AGGRESSOR_SIDES, type Quote, type Trade } from './ticks.ts';
import type { QuoteBatch, TradeBatch, Utf8Column } from './tick-batch.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Row `row` of a column of strings; null where it is empty. */
export function utf8At(column: Utf8Column, row: number): string | null {
  const start = column.offsets[row];
  const end = column.offsets[row + 1];
  return start === end ? null : decoder.decode(column.bytes.subarray(start, end));
}

export function tradeAt(batch: TradeBatch, row: number): Trade {
  return {
    ...tickAt(batch, row),
    tradeId: utf8At(batch.tradeId, row),
    price: batch.price[row],
    quantity: batch.quantity[row],
    aggressorSide: AGGRESSOR_SIDES[batch.aggressorSide[row]]!,
    conditions: batch.conditions[batch.conditionsCode[row]]!,
  };
}

export function quoteAt(batch: QuoteBatch, row: number): Quote {
  return {
    ...tickAt(batch, row),
    quoteId: utf8At(batch.quoteId, row),
    bidPrice: batch.bidPrice[row],
    bidQuantity: batch.bidQuantity[row],
    askPrice: batch.askPrice[row],
    askQuantity: batch.askQuantity[row],
  };
}

function tickAt(batch: TradeBatch | QuoteBatch, row: number) {
  return {
    eventTimeUs: batch.eventTimeUs[row],
    receiveTimeUs: batch.receiveTimeUs[row],
    venueSequence: batch.venueSequence[row],
    vendorData: batch.vendorData[batch.vendorDataCode[row]]!,
  };
}
