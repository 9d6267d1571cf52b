import { barsFault, PortError, type BarPosition, type Question, type ScanPlan } from '@k2/ports';
import { filterConditions, limitSql, orderSql, whereSql } from './filter-sql.ts';
import { plannedTable, type TableNames } from './planned-table.ts';
import { integerSql, quoteText, timeSql } from './sql-text.ts';
import type { AnswerPart, ReadColumn, Statement } from './statement.ts';

const BAR: readonly ReadColumn[] = [
  { name: 'exchange', type: 'string' },
  { name: 'symbol', type: 'string' },
  { name: 'bar_start', type: 'integer' },
  { name: 'open', type: 'decimal', scale: 8 },
  { name: 'high', type: 'decimal', scale: 8 },
  { name: 'low', type: 'decimal', scale: 8 },
  { name: 'close', type: 'decimal', scale: 8 },
  { name: 'volume', type: 'decimal', scale: 8 },
  { name: 'trade_count', type: 'integer' },
];
const READ: readonly ReadColumn[] = [
  ...BAR,
  { name: 'of_wholes', type: 'decimal', scale: 8 },
  { name: 'of_fractions', type: 'decimal', scale: 16 },
];

const COLUMNS: Statement['columns'] = [
  ...BAR.map((column) => (column.name === 'bar_start' ? ({ name: column.name, type: 'timestamp' } as const) : column)),
  { name: 'vwap', type: 'decimal', scale: 8 },
];

const place = (name: string) => READ.findIndex((column) => column.name === name);

/** Trino rounds quotients of decimals half up, and to the wider scale: the few there are are divided here. */
const PARTS: readonly AnswerPart[] = [
  ...BAR.map((_, at) => ({ kind: 'read', at }) as const),
  {
    kind: 'vwap',
    exchange: place('exchange'),
    symbol: place('symbol'),
    volume: place('volume'),
    ofWholes: place('of_wholes'),
    ofFractions: place('of_fractions'),
  },
];

export function barsStatement(
  question: Extract<Question, { kind: 'bars' }>,
  plan: ScanPlan,
  names: TableNames,
): Statement {
  const { intervalUs, after } = question;
  const fault = barsFault(question);
  if (fault !== null) throw new PortError('invalid-query', fault, { intervalUs, after });
  const limit = limitSql(question);
  const filter = filterConditions(question.filter);
  if (after !== undefined) filter.push(`"timestamp" >= ${timeSql(after.startUs)}`);
  const conditions = whereSql(filter);
  if (plan.files.length === 0) return { sql: null, read: READ, columns: COLUMNS, parts: PARTS };
  // By session first: within one, time and sequence order the trades. Prices times whole and fractional quantities are
  // summed apart: 38 digits hold those for 10^10 of the largest trades, but their sum for 100.
  const perSession = `SELECT exchange, symbol, session, ${windowSql(intervalUs)} AS bar,
      min_by(price, ROW("timestamp", source_sequence)) AS open, max(price) AS high, min(price) AS low,
      max_by(price, ROW("timestamp", source_sequence)) AS close,
      min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp,
      sum(quantity) AS volume, count(*) AS trade_count,
      sum(price * truncate(quantity)) AS of_wholes, sum(price * (quantity % DECIMAL '1')) AS of_fractions
    FROM ${plannedTable(plan, names)}${conditions} GROUP BY 1, 2, 3, 4`;
  const sql = `SELECT exchange, symbol, bar * BIGINT '${intervalUs}' AS bar_start,
      min_by(open, ROW(first_timestamp, session)) AS open, max(high) AS high, min(low) AS low,
      max_by(close, ROW(last_timestamp, session)) AS close, CAST(sum(volume) AS decimal(38, 8)) AS volume,
      sum(trade_count) AS trade_count, CAST(sum(of_wholes) AS decimal(38, 8)) AS of_wholes,
      CAST(sum(of_fractions) AS decimal(38, 16)) AS of_fractions
    FROM (${perSession}) GROUP BY exchange, symbol, bar${havingSql(intervalUs, after)}${orderSql(['bar_start', 'exchange', 'symbol'])}${limit}`;
  return { sql, read: READ, columns: COLUMNS, parts: PARTS };
}

/** Lexicographic `>` on the order of bars. */
function havingSql(intervalUs: number, after: BarPosition | undefined): string {
  if (after === undefined) return '';
  const [exchange, symbol] = [quoteText(after.exchange), quoteText(after.symbol)];
  const bar = integerSql(after.startUs / intervalUs);
  return ` HAVING bar > ${bar} OR exchange > ${exchange} OR (exchange = ${exchange} AND symbol > ${symbol})`;
}

/** Far enough that all times that are exact numbers of µs count upwards from it, near enough that the sum stays an int64. */
const ORIGIN = 4_000_000_000_000_000_000n;

/**
 * The number of the window since 1970, rounded downwards: Trino's `/` rounds towards zero, so it counts from an origin
 * before any time there is.
 */
function windowSql(intervalUs: number): string {
  const isWholeMs = intervalUs % 1_000 === 0;
  const interval = BigInt(intervalUs) / (isWholeMs ? 1_000n : 1n);
  const origin = ORIGIN / interval;
  return `((${isWholeMs ? MS_SQL : US_SQL}) + BIGINT '${origin * interval}') / BIGINT '${interval}' - BIGINT '${origin}'`;
}

/** Whole milliseconds since 1970, rounded downwards. */
const MS_SQL = `date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00 UTC', "timestamp")`;
/** Days since 1970, rounded towards it: `date_add` takes no number of milliseconds that large. */
const DAY_SQL = `date_diff('day', TIMESTAMP '1970-01-01 00:00:00 UTC', "timestamp")`;
/** Trino counts no microseconds: those of one day are exact as a double, those since 1970 are not. */
const US_SQL = `${DAY_SQL} * 86400000000 + CAST(round(to_unixtime(date_add('day', -(${DAY_SQL}), "timestamp")) * 1e6) AS bigint)`;
