import { meanPrice, printTimeUs, WIDE_DECIMAL_PRECISION } from '@k2/domain/market';
import {
  barsFault,
  PortError,
  type BarPosition,
  type AnswerColumn,
  type QueryEngineErrorKind,
  type Question,
} from '@k2/ports';
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

type AnsweredBar = Bar & { readonly vwap: bigint | null };

const COLUMNS: readonly (readonly [AnswerColumn, (bar: AnsweredBar) => CellValue])[] = [
  [{ name: 'exchange', type: 'string' }, (bar) => bar.exchange],
  [{ name: 'symbol', type: 'string' }, (bar) => bar.symbol],
  [{ name: 'bar_start', type: 'timestamp' }, (bar) => bar.startUs],
  [{ name: 'open', type: 'decimal', scale: 8 }, (bar) => bar.open],
  [{ name: 'high', type: 'decimal', scale: 8 }, (bar) => bar.high],
  [{ name: 'low', type: 'decimal', scale: 8 }, (bar) => bar.low],
  [{ name: 'close', type: 'decimal', scale: 8 }, (bar) => bar.close],
  [{ name: 'volume', type: 'decimal', scale: 8 }, (bar) => bar.volume],
  [{ name: 'trade_count', type: 'integer' }, (bar) => bar.tradeCount],
  [{ name: 'vwap', type: 'decimal', scale: 8 }, (bar) => bar.vwap],
];

/** Bars by start, exchange and symbol, in that order; open and close are those of the order of ticks. */
export function barsAnswer(question: BarsQuestion, { files }: PlannedFiles, check: () => void): AnswerTable {
  const { filter, intervalUs, after, limit } = question;
  const fault = barsFault(question);
  if (fault !== null) throw new PortError<QueryEngineErrorKind>('invalid-query', fault, { intervalUs, after });
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
  const sorted = [...bars.values()].sort(inBarOrder);
  const left = after === undefined ? sorted : sorted.filter((bar) => inBarOrder(bar, after) > 0);
  const answered = left.slice(0, limit).map((bar): AnsweredBar => ({ ...bar, vwap: vwap(bar) }));
  return {
    columns: COLUMNS.map(([column]) => column),
    rowCount: answered.length,
    cell: (row, column) => COLUMNS[column][1](answered[row]),
  };
}

function inBarOrder(a: BarPosition, b: BarPosition): number {
  return a.startUs - b.startUs || compareText(a.exchange, b.exchange) || compareText(a.symbol, b.symbol);
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

function vwap({ exchange, symbol, startUs, notional, volume }: Bar): bigint | null {
  try {
    return meanPrice(notional, volume);
  } catch (error) {
    const message = `the vwap of the bar of ${exchange} ${symbol} from ${printTimeUs(startUs)} has more than ${WIDE_DECIMAL_PRECISION} digits: its quantities, some of them negative, nearly cancel out; ask for another interval`;
    throw new PortError<QueryEngineErrorKind>(
      'invalid-query',
      message,
      { exchange, symbol, startUs },
      { cause: error },
    );
  }
}
