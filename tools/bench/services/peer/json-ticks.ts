import kafkajs, { type Message } from 'kafkajs';
import { printDecimal, quoteAt, tradeAt, type TickBatch } from '@k2/domain/market';
import { progress } from '../bench-world.ts';

/** Rows of a batch that go in one request. */
const REQUEST_ROWS = 4_096;
const REQUESTS_IN_FLIGHT = 4;

/**
 * Puts ticks into a topic as JSON, a message each, with the fields of K2's own records, evenly over the partitions.
 * Returns how many.
 */
export async function produceJson(
  brokers: readonly string[],
  topic: { readonly name: string; readonly partitions: number },
  batches: Iterable<TickBatch>,
): Promise<number> {
  const kafka = new kafkajs.Kafka({ clientId: 'k2-bench', brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: REQUESTS_IN_FLIGHT });
  await producer.connect();
  try {
    const inFlight = new Set<Promise<unknown>>();
    let produced = 0;
    for (const batch of batches) {
      for (let from = 0; from < batch.rowCount; from += REQUEST_ROWS) {
        const messages: Message[] = [];
        for (let row = from; row < Math.min(from + REQUEST_ROWS, batch.rowCount); row++) {
          messages.push(messageOf(batch, row, topic.partitions));
        }
        const sent: Promise<unknown> = producer
          .send({ topic: topic.name, acks: -1, messages })
          .then(() => inFlight.delete(sent));
        inFlight.add(sent);
        if (inFlight.size >= REQUESTS_IN_FLIGHT) await Promise.race(inFlight);
      }
      produced += batch.rowCount;
      progress.update(`peer: ${(produced / 1e6).toFixed(1)} M ticks as JSON in the log`);
    }
    await Promise.all(inFlight);
    return produced;
  } finally {
    await producer.disconnect();
  }
}

function messageOf(batch: TickBatch, row: number, partitions: number): Message {
  const code = batch.seriesCode[row];
  const { exchange, symbol, assetClass, currency, session } = batch.series[code];
  const common = {
    record_type: batch.recordType,
    symbol,
    exchange,
    asset_class: assetClass,
    currency,
    session,
    timestamp: batch.eventTimeUs[row],
    ingestion_timestamp: batch.receiveTimeUs[row],
    source_sequence: batch.venueSequence[row],
  };
  const value =
    batch.recordType === 'trades'
      ? { ...common, ...tradeFields(batch, row) }
      : { ...common, ...quoteFields(batch, row) };
  return { key: `${exchange}.${symbol}`, value: JSON.stringify(value), partition: row % partitions };
}

function tradeFields(batch: Extract<TickBatch, { recordType: 'trades' }>, row: number) {
  const { tradeId, price, quantity, aggressorSide, conditions } = tradeAt(batch, row);
  return {
    trade_id: tradeId,
    price: printDecimal(price),
    quantity: printDecimal(quantity),
    side: aggressorSide,
    trade_conditions: conditions,
  };
}

function quoteFields(batch: Extract<TickBatch, { recordType: 'quotes' }>, row: number) {
  const { quoteId, bidPrice, bidQuantity, askPrice, askQuantity } = quoteAt(batch, row);
  return {
    quote_id: quoteId,
    bid_price: printDecimal(bidPrice),
    bid_quantity: printDecimal(bidQuantity),
    ask_price: printDecimal(askPrice),
    ask_quantity: printDecimal(askQuantity),
  };
}
