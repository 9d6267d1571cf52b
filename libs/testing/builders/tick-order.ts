import type { TickPosition } from '@k2/ports';
import type { Row } from './rows.ts';

/** The order of ticks, the slow way: time, then exchange, symbol and session as UTF-8 bytes, then sequence. */
export function byTickOrder(a: Row, b: Row): number {
  const text = (name: string) => Buffer.compare(Buffer.from(String(a[name])), Buffer.from(String(b[name])));
  const number = (name: string) => Number(a[name]) - Number(b[name]);
  return number('timestamp') || text('exchange') || text('symbol') || text('session') || number('source_sequence');
}

export function positionOf(row: Row): TickPosition {
  return {
    eventTimeUs: Number(row['timestamp']),
    exchange: String(row['exchange']),
    symbol: String(row['symbol']),
    session: String(row['session']),
    venueSequence: Number(row['source_sequence']),
  };
}
