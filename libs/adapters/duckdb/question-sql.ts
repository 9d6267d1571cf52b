import type { RecordType, TableName } from '@k2/domain/market';
import { AUDIT_SHAPES, type Question, type TickFilter, type TickPosition } from '@k2/ports';
import type { LocalScan } from './engine-messages.ts';
import { MADE_MESSAGE_ID, MESSAGE_ID_PARTS, type AnswerLayout } from './message-ids.ts';
import { QuestionError } from './question-error.ts';
import { columnSql, isTickTable, MESSAGE_ID, quoteName, scanColumns, scanRelation } from './scan-sql.ts';

export type TypedQuestion = Exclude<Question, { kind: 'sql' }>;
export type QuestionOf<Kind extends Question['kind']> = Extract<Question, { kind: Kind }>;

/** SQL with `$1`…; integers are bound as BIGINT. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly (string | bigint)[];
  /** Absent: the columns are the answer's as they are. */
  readonly layout?: AnswerLayout;
}

/**
 * The SQL of a typed question over its scans; `isExport` where DuckDB writes the answer itself, and no layout can be
 * applied. Throws QuestionError `invalid-query`.
 */
export function questionStatement(question: TypedQuestion, scans: readonly LocalScan[], isExport: boolean): Statement {
  switch (question.kind) {
    case 'ticks':
      return ticksStatement(question, scanOf(scans, `market_data.${question.recordType}`), isExport);
    case 'bars':
      return barsStatement(question, scanOf(scans, 'market_data.trades'));
    case 'symbols':
      return symbolsStatement(question, scans);
    case 'audit':
      return auditStatement(question, scans);
  }
}

const TICK_ORDER = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'] as const;

function ticksStatement(question: QuestionOf<'ticks'>, scan: LocalScan, isExport: boolean): Statement {
  const known = scanColumns(scan);
  const fields = question.fields ?? known;
  const unknown = fields.filter((name) => !known.includes(name));
  if (fields.length === 0 || unknown.length > 0) {
    const asked = fields.length === 0 ? 'no field is asked for' : `no such field: ${unknown.join(', ')}`;
    throw new QuestionError('invalid-query', `${asked}; ${scan.table} has ${known.join(', ')}`);
  }
  const parameters = new Parameters();
  const descending = question.order === 'newest-first';
  const conditions = filterConditions(question.filter, parameters);
  if (question.after !== undefined) conditions.push(...afterConditions(question.after, descending, parameters));
  const order = TICK_ORDER.map((name) => `${quoteName(name)}${descending ? ' DESC' : ''}`).join(', ');
  const hasMessageId = fields.includes(MESSAGE_ID);
  const read = [...new Set([...fields, ...(hasMessageId ? MESSAGE_ID_PARTS : [])])].filter(
    (name) => name !== MESSAGE_ID,
  );
  const select = `SELECT ${read.map(quoteName).join(', ')} FROM ${scanRelation(scan, [...read, ...TICK_ORDER])}`;
  const rows = parameters.statement(`${select}${where(conditions)} ORDER BY ${order} LIMIT ${limit(question)}`);
  if (!hasMessageId) return rows;
  // Outside the limit: nothing is made of rows that are not answered.
  if (isExport) return { ...rows, sql: `SELECT ${fields.map(columnSql).join(', ')} FROM (${rows.sql})` };
  return { ...rows, layout: fields.map((name) => (name === MESSAGE_ID ? MADE_MESSAGE_ID : read.indexOf(name))) };
}

/** Lexicographic `>` on the order of ticks. The first conjunct alone is what the scan can prune by. */
function afterConditions(after: TickPosition, descending: boolean, parameters: Parameters): string[] {
  const beyond = descending ? '<' : '>';
  const values = [
    parameters.time(after.eventTimeUs),
    parameters.text(after.exchange),
    parameters.text(after.symbol),
    parameters.text(after.session),
    parameters.integer(after.venueSequence),
  ];
  const lexicographic = TICK_ORDER.reduceRight((rest, name, i) => {
    const column = quoteName(name);
    const isBeyond = `${column} ${beyond} ${values[i]}`;
    return rest === '' ? isBeyond : `(${isBeyond} OR (${column} = ${values[i]} AND ${rest}))`;
  }, '');
  return [`"timestamp" ${beyond}= ${values[0]}`, lexicographic];
}

function barsStatement(question: QuestionOf<'bars'>, scan: LocalScan): Statement {
  if (!Number.isSafeInteger(question.intervalUs) || question.intervalUs < 1) {
    throw new QuestionError(
      'invalid-query',
      `intervalUs is ${question.intervalUs}: expected a whole number of µs, from 1`,
    );
  }
  const parameters = new Parameters();
  const conditions = filterConditions(question.filter, parameters);
  // Windows are counted from an origin before any time there is, as DuckDB's // rounds towards zero. The inner query
  // groups by session too: within one, time and sequence order the trades, and pack into one cheap key.
  const interval = BigInt(question.intervalUs);
  const originUs = (ORIGIN_US / interval) * interval;
  const key = `(epoch_us("timestamp")::HUGEINT * 9007199254740992 + source_sequence)`;
  // One of the two wider than 18 digits, or the product is computed, and overflows, in 18.
  const perSession = `SELECT exchange, symbol, session, (epoch_us("timestamp") + ${originUs}) // ${interval} AS bar,
      arg_min(price, ${key}) AS open, max(price) AS high, min(price) AS low, arg_max(price, ${key}) AS close,
      min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp, sum(quantity) AS volume,
      count(*) AS trade_count, sum(price::DECIMAL(19,8) * quantity) AS notional
    FROM ${scanRelation(scan, [...TICK_ORDER, 'price', 'quantity'])}${where(conditions)} GROUP BY exchange, symbol, session, bar`;
  const bars = `SELECT exchange, symbol, make_timestamptz(bar * ${interval} - ${originUs}) AS bar_start,
      arg_min(open, (first_timestamp, session)) AS open, max(high) AS high, min(low) AS low,
      arg_max(close, (last_timestamp, session)) AS close, sum(volume)::DECIMAL(38,8) AS volume,
      sum(trade_count)::BIGINT AS trade_count, sum(notional)::DECIMAL(38,16) AS notional
    FROM (${perSession}) GROUP BY exchange, symbol, bar ORDER BY bar_start, exchange, symbol LIMIT ${limit(question)}`;
  return parameters.statement(`${withVwap(bars)} ORDER BY bar_start, exchange, symbol`);
}

/** Far enough that times down to the year -124,783 count upwards from it, near enough that the sum stays an int64. */
const ORIGIN_US = 4_000_000_000_000_000_000n;

/**
 * vwap = notional ÷ volume, half to even at the eighth digit, in integers: DuckDB divides decimals as DOUBLE. Both are taken
 * by their digits, notional at scale 16 and volume at 8, so that the quotient has scale 8. A quotient below 2^50 is
 * estimated as DOUBLE, at most one off, and corrected by its remainder: dividing HUGEINTs takes ten times as long.
 */
function withVwap(bars: string): string {
  const digits = `SELECT *, abs(replace(notional::VARCHAR, '.', '')::HUGEINT) AS n, abs(replace(volume::VARCHAR, '.', '')::HUGEINT) AS d,
      ((notional < 0) <> (volume < 0)) AS is_negative FROM (${bars})`;
  const estimated = `SELECT *, CASE WHEN d = 0 THEN NULL ELSE n::DOUBLE / d::DOUBLE END AS e FROM (${digits})`;
  const quotient = `SELECT *, CASE WHEN e < 1125899906842624 THEN floor(e)::HUGEINT WHEN d > 0 THEN n // d END AS q0 FROM (${estimated})`;
  const corrected = `SELECT *, q0 + CASE WHEN n - q0 * d < 0 THEN -1 WHEN n - q0 * d >= d THEN 1 ELSE 0 END AS q FROM (${quotient})`;
  const rounded = `SELECT *, q + CASE WHEN n - q * d > d - (n - q * d) OR (n - q * d = d - (n - q * d) AND q % 2 = 1) THEN 1 ELSE 0 END AS v FROM (${corrected})`;
  const vwap = '(CASE WHEN is_negative THEN -v ELSE v END)::DECIMAL(38,0) * 0.00000001::DECIMAL(9,8)';
  return `SELECT exchange, symbol, bar_start, open, high, low, close, volume, trade_count, ${vwap} AS vwap FROM (${rounded})`;
}

function symbolsStatement(question: QuestionOf<'symbols'>, scans: readonly LocalScan[]): Statement {
  const ticks = scans.filter(({ table }) => isTickTable(table));
  if (ticks.length === 0)
    throw new QuestionError('invalid-query', 'no scan of market_data.trades or market_data.quotes is planned');
  const parameters = new Parameters();
  const instrument = 'exchange, symbol, asset_class, currency';
  const conditions = where(filterConditions(question.filter, parameters));
  const perTable = ticks.map((scan) => {
    return `SELECT ${instrument}, '${scan.table.slice('market_data.'.length)}' AS record_type, count(*) AS tick_count,
      min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp
      FROM ${scanRelation(scan, ['exchange', 'symbol', 'asset_class', 'currency', 'timestamp'])}${conditions} GROUP BY ${instrument}`;
  });
  return parameters.statement(
    `SELECT * FROM (${perTable.join(' UNION ALL ')}) ORDER BY ${instrument}, record_type LIMIT ${limit(question)}`,
  );
}

function auditStatement(question: QuestionOf<'audit'>, scans: readonly LocalScan[]): Statement {
  const audits = scans.filter(({ table }) => AUDIT_SHAPES[table] !== undefined);
  const scan = audits[0];
  if (scan === undefined || audits.length > 1) {
    throw new QuestionError(
      'invalid-query',
      `${audits.length} audit tables are planned: an audit question is over one`,
    );
  }
  const { from, to, order, hasSymbol } = AUDIT_SHAPES[scan.table]!;
  const { recordType, fromUs, toUs, ...filter } = question.filter;
  if (filter.symbols !== undefined && !hasSymbol) {
    throw new QuestionError('invalid-query', `${scan.table} has no symbol: leave symbols out of the filter`);
  }
  const parameters = new Parameters();
  const conditions = filterConditions(filter, parameters);
  if (recordType !== undefined) conditions.push(`record_type = ${parameters.text(recordType satisfies RecordType)}`);
  if (fromUs !== undefined) conditions.push(`${quoteName(to)} >= ${parameters.time(fromUs)}`);
  if (toUs !== undefined) conditions.push(`${quoteName(from)} < ${parameters.time(toUs)}`);
  const columns = scanColumns(scan).map(quoteName).join(', ');
  return parameters.statement(
    `SELECT ${columns} FROM ${scanRelation(scan)}${where(conditions)} ORDER BY ${order.map(quoteName).join(', ')} LIMIT ${limit(question)}`,
  );
}

function filterConditions({ exchange, symbols, fromUs, toUs }: TickFilter, parameters: Parameters): string[] {
  const conditions: string[] = [];
  if (exchange !== undefined) conditions.push(`exchange = ${parameters.text(exchange)}`);
  if (symbols !== undefined) conditions.push(symbolCondition(symbols, parameters));
  if (fromUs !== undefined) conditions.push(`"timestamp" >= ${parameters.time(fromUs)}`);
  if (toUs !== undefined) conditions.push(`"timestamp" < ${parameters.time(toUs)}`);
  return conditions;
}

function symbolCondition(symbols: readonly string[], parameters: Parameters): string {
  if (symbols.length === 0) return 'false';
  const values = symbols.map((symbol) => parameters.text(symbol));
  return values.length === 1 ? `symbol = ${values[0]}` : `symbol IN (${values.join(', ')})`;
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function limit({ limit: rows }: TypedQuestion): string {
  if (!Number.isSafeInteger(rows) || rows < 0)
    throw new QuestionError('invalid-query', `limit is ${rows}: expected a whole number, from 0`);
  return String(rows);
}

function scanOf(scans: readonly LocalScan[], table: TableName): LocalScan {
  const scan = scans.find((candidate) => candidate.table === table);
  if (scan === undefined) throw new QuestionError('invalid-query', `no scan of ${table} is planned`);
  return scan;
}

class Parameters {
  private readonly values: (string | bigint)[] = [];

  text(value: string): string {
    return `$${this.values.push(value)}::VARCHAR`;
  }

  integer(value: number): string {
    if (!Number.isSafeInteger(value)) throw new QuestionError('invalid-query', `${value} is not an exact integer`);
    return `$${this.values.push(BigInt(value))}::BIGINT`;
  }

  time(timeUs: number): string {
    return `make_timestamptz(${this.integer(timeUs)})`;
  }

  statement(sql: string): Statement {
    return { sql, values: this.values };
  }
}
