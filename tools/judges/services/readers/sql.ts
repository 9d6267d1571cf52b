import type { SqlRows } from '../../../testbed/sql/sql-rows.ts';
import { groupKey, shortest, type Facts, type GroupFacts, type Question } from '../facts.ts';

/** How an engine's SQL says what is asked. */
export interface Dialect {
  /** The table of a question at its snapshot. */
  from(question: Question): string;
  /** µs since 1970 of a timestamp expression, as an integer or as text that `timeUs` understands. */
  microseconds(expression: string): string;
  timestampLiteral(timeUs: number): string;
  /** A decimal as text. */
  text(expression: string): string;
  identifier(name: string): string;
}

/** Asks three questions: one for the metadata, one for every value, one with a filter. */
export async function factsBySql(
  question: Question,
  dialect: Dialect,
  ask: (sql: string) => Promise<SqlRows>,
): Promise<Facts> {
  const from = dialect.from(question);
  const time = dialect.identifier('timestamp');
  const least = dialect.microseconds(`min(${time})`);
  const greatest = dialect.microseconds(`max(${time})`);
  // Summed up as they are: an engine widens decimals by itself, or overflows and says so.
  const sums = question.sums.map((name) => dialect.text(`sum(${dialect.identifier(name)})`));

  const [[rows, minUs, maxUs]] = (await ask(`SELECT count(*), ${least}, ${greatest} FROM ${from}`)).rows;
  const groups = await ask(
    `SELECT exchange, symbol, count(*), ${[least, greatest, ...sums].join(', ')} FROM ${from} GROUP BY exchange, symbol`,
  );
  const [[filteredRows]] = (await ask(`SELECT count(*) FROM ${from} WHERE ${filterSql(question, dialect)}`)).rows;
  return {
    rows: Number(rows),
    minUs: timeUs(minUs),
    maxUs: timeUs(maxUs),
    groups: Object.fromEntries(groups.rows.map(groupOf)),
    filteredRows: Number(filteredRows),
  };
}

export function filterSql({ filter }: Question, dialect: Dialect): string {
  const { exchange, symbol, fromUs } = filter;
  const time = `${dialect.identifier('timestamp')} >= ${dialect.timestampLiteral(fromUs)}`;
  return `exchange = '${exchange}' AND symbol = '${symbol}' AND ${time}`;
}

function groupOf([exchange, symbol, rows, minUs, maxUs, ...sums]: readonly unknown[]): [string, GroupFacts] {
  return [
    groupKey(String(exchange), String(symbol)),
    {
      rows: Number(rows),
      minUs: timeUs(minUs) ?? NaN,
      maxUs: timeUs(maxUs) ?? NaN,
      sums: sums.map((sum) => shortest(String(sum))),
    },
  ];
}

/** Of an integer, or of `2014-03-10 00:00:00.000001 UTC`. */
function timeUs(value: unknown): number | null {
  if (value === null) return null;
  const [, second, micros] = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{6}) UTC$/.exec(String(value)) ?? [];
  return second === undefined ? Number(value) : Date.parse(`${second.replace(' ', 'T')}Z`) * 1_000 + Number(micros);
}
