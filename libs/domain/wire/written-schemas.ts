import { BLOCK_SCHEMA } from './block-schema.ts';
import { QUOTE_TICK_SCHEMA, TRADE_TICK_SCHEMA } from './tick-schema.ts';
import type { Framing } from './topics.ts';

const BLOCK = JSON.stringify(BLOCK_SCHEMA);
const TICK = { trades: JSON.stringify(TRADE_TICK_SCHEMA), quotes: JSON.stringify(QUOTE_TICK_SCHEMA) } as const;

/** Avro, as JSON text, of the records that K2 writes into a topic: `market.equities.trades.asx`. */
export function recordSchemaOf(topic: string, framing: Framing): string {
  if (framing === 'block') return BLOCK;
  return topic.split('.')[2] === 'quotes' ? TICK.quotes : TICK.trades;
}
