import type { Question, TickFilter, TickPosition } from '@k2/ports';
import { PortError } from '@k2/ports';
import { integerSql, quoteName, quoteText, timeSql } from './sql-text.ts';

export const TICK_ORDER = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'] as const;

export function filterConditions({ exchange, symbols, fromUs, toUs }: TickFilter): string[] {
  const conditions: string[] = [];
  if (exchange !== undefined) conditions.push(`exchange = ${quoteText(exchange)}`);
  if (symbols !== undefined) conditions.push(symbolCondition(symbols));
  if (fromUs !== undefined) conditions.push(`"timestamp" >= ${timeSql(fromUs)}`);
  if (toUs !== undefined) conditions.push(`"timestamp" < ${timeSql(toUs)}`);
  return conditions;
}

/** Lexicographic `>` on the order of ticks. The first conjunct alone is what the scan can prune by. */
export function afterConditions(after: TickPosition, descending: boolean): string[] {
  const beyond = descending ? '<' : '>';
  const values = [
    timeSql(after.eventTimeUs),
    quoteText(after.exchange),
    quoteText(after.symbol),
    quoteText(after.session),
    integerSql(after.venueSequence),
  ];
  const lexicographic = TICK_ORDER.reduceRight((rest, name, i) => {
    const column = quoteName(name);
    const isBeyond = `${column} ${beyond} ${values[i]}`;
    return rest === '' ? isBeyond : `(${isBeyond} OR (${column} = ${values[i]} AND ${rest}))`;
  }, '');
  return [`"timestamp" ${beyond}= ${values[0]}`, lexicographic];
}

export function whereSql(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

export function orderSql(names: readonly string[], descending = false): string {
  return ` ORDER BY ${names.map((name) => `${quoteName(name)}${descending ? ' DESC' : ''}`).join(', ')}`;
}

/** Nothing where no more rows can come than are asked for: a sort is cheaper than the best `limit` of everything. */
export function limitSql({ limit }: Pick<Question, 'limit'>, rowsMax = Infinity): string {
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new PortError('invalid-query', `limit is ${limit}: expected a whole number, from 0`, { limit });
  return limit >= rowsMax ? '' : ` LIMIT ${limit}`;
}

function symbolCondition(symbols: readonly string[]): string {
  if (symbols.length === 0) return 'false';
  const values = symbols.map(quoteText);
  return values.length === 1 ? `symbol = ${values[0]}` : `symbol IN (${values.join(', ')})`;
}
