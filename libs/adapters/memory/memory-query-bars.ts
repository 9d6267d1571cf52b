import { PortError, type AnswerColumn, type QueryEngineErrorKind, type Question } from '@k2/ports';
import type { CellValue } from './memory-column-values.ts';
import type { AnswerTable } from './memory-query-answer.ts';
import type { PlannedFiles } from './memory-query-plans.ts';
import { compareText, decimalsOf, inTickOrder, matchingRows } from './memory-query-rows.ts';

export type BarsQuestion = Extract<Question, { readonly kind: 'bars' }>;

interface Bar {
  readonly exchange: string;
  readonly symbol: string;
  readonly startUs: number;
  readonly open: bigint;
  high: bigint;
  low: bigint;
  close: bigint;
  volume: bigint;
  /** Sum of price × quantity, both scaled. */
  notional: bigint;
  tradeCount: number;
}

const COLUMNS: readonly (readonly [AnswerColumn, (bar: Bar) => CellValue])[] = [
  [{ name: 'exchange', type: 'string' }, (bar) => bar.exchange],
  [{ name: 'symbol', type: 'string' }, (bar) => bar.symbol],
  [{ name: 'bar_start', type: 'timestamp' }, (bar) => bar.startUs],
  [{ name: 'open', type: 'decimal', scale: 8 }, (bar) => bar.open],
  [{ name: 'high', type: 'decimal', scale: 8 }, (bar) => bar.high],
  [{ name: 'low', type: 'decimal', scale: 8 }, (bar) => bar.low],
  [{ name: 'close', type: 'decimal', scale: 8 }, (bar) => bar.close],
  [{ name: 'volume', type: 'decimal', scale: 8 }, (bar) => bar.volume],
  [{ name: 'trade_count', type: 'integer' }, (bar) => bar.tradeCount],
  [{ name: 'vwap', type: 'decimal', scale: 8 }, vwap],
];

/** Bars by start, exchange and symbol, in that order; open and close are those of the order of ticks. */
export function barsAnswer(
  { filter, intervalUs, limit }: BarsQuestion,
  { files }: PlannedFiles,
  check: () => void,
): AnswerTable {
  if (!Number.isSafeInteger(intervalUs) || intervalUs < 1) {
    const message = `intervalUs is ${intervalUs}: expected a positive whole number of µs`;
    throw new PortError<QueryEngineErrorKind>('invalid-query', message, { intervalUs });
  }
  const rows = matchingRows(files, filter, check);
  const prices = files.map((file) => decimalsOf(file, 'price'));
  const quantities = files.map((file) => decimalsOf(file, 'quantity'));
  const bars = new Map<string, Bar>();
  for (const index of inTickOrder(rows, Uint32Array.from(rows.at.keys()))) {
    const file = rows.fileOf[index];
    const row = rows.at[index];
    const { exchanges, symbols, seriesCodes, timesUs } = rows.positions[file];
    const code = seriesCodes[row];
    const startUs = Math.floor(timesUs[row] / intervalUs) * intervalUs;
    const key = JSON.stringify([exchanges[code], symbols[code], startUs]);
    const bar = bars.get(key);
    if (bar === undefined)
      bars.set(key, opened(exchanges[code], symbols[code], startUs, prices[file][row], quantities[file][row]));
    else extend(bar, prices[file][row], quantities[file][row]);
  }
  check();
  const sorted = [...bars.values()].sort(
    (a, b) => a.startUs - b.startUs || compareText(a.exchange, b.exchange) || compareText(a.symbol, b.symbol),
  );
  return {
    columns: COLUMNS.map(([column]) => column),
    rowCount: Math.min(sorted.length, limit),
    cell: (row, column) => COLUMNS[column][1](sorted[row]),
  };
}

function opened(exchange: string, symbol: string, startUs: number, price: bigint, quantity: bigint): Bar {
  return {
    exchange,
    symbol,
    startUs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: quantity,
    notional: price * quantity,
    tradeCount: 1,
  };
}

function extend(bar: Bar, price: bigint, quantity: bigint): void {
  if (price > bar.high) bar.high = price;
  if (price < bar.low) bar.low = price;
  bar.close = price;
  bar.volume += quantity;
  bar.notional += price * quantity;
  bar.tradeCount++;
}

/** Exact, rounded half to even at the eighth digit; null where nothing was traded. */
function vwap({ notional, volume }: Bar): bigint | null {
  if (volume === 0n) return null;
  const quotient = notional / volume;
  const twice = magnitude(notional % volume) * 2n;
  if (twice < magnitude(volume) || (twice === magnitude(volume) && quotient % 2n === 0n)) return quotient;
  return notional < 0n === volume < 0n ? quotient + 1n : quotient - 1n;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
