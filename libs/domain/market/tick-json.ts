import { printDecimal } from './decimal.ts';
import { messageId } from './series.ts';
import type { TickBatch } from './tick-batch.ts';
import { quoteAt, tradeAt } from './tick-view.ts';
import { printTimeUs } from './time.ts';

/** A tick as a plain JSON object in the record schema's names: decimals as strings, times as ISO 8601. */
export function tickJson(batch: TickBatch, row: number): Readonly<Record<string, unknown>> {
  const series = batch.series[batch.seriesCode[row]]!;
  const common = {
    message_id: messageId(series, batch.venueSequence[row]),
    symbol: series.symbol,
    exchange: series.exchange,
    asset_class: series.assetClass,
    currency: series.currency,
    session: series.session,
  };
  if (batch.recordType === 'trades') {
    const trade = tradeAt(batch, row);
    return {
      ...common,
      ...timed(trade),
      trade_id: trade.tradeId,
      price: printDecimal(trade.price),
      quantity: printDecimal(trade.quantity),
      side: trade.aggressorSide,
      trade_conditions: trade.conditions,
    };
  }
  const quote = quoteAt(batch, row);
  return {
    ...common,
    ...timed(quote),
    quote_id: quote.quoteId,
    bid_price: printDecimal(quote.bidPrice),
    bid_quantity: printDecimal(quote.bidQuantity),
    ask_price: printDecimal(quote.askPrice),
    ask_quantity: printDecimal(quote.askQuantity),
  };
}

function timed(tick: ReturnType<typeof tradeAt> | ReturnType<typeof quoteAt>) {
  return {
    timestamp: printTimeUs(tick.eventTimeUs),
    source_sequence: tick.venueSequence,
    ingestion_timestamp: printTimeUs(tick.receiveTimeUs),
    vendor_data: tick.vendorData,
  };
}
