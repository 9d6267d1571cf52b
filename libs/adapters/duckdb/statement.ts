import type { TableName } from '@k2/domain/market';
import type { Question, TickFilter } from '@k2/ports';
import type { LocalScan } from './engine-messages.ts';
import type { AnswerLayout } from './message-ids.ts';
import { QuestionError } from './question-error.ts';

export type TypedQuestion = Exclude<Question, { kind: 'sql' }>;
export type QuestionOf<Kind extends Question['kind']> = Extract<Question, { kind: Kind }>;

/** SQL with `$1`…; integers are bound as BIGINT. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly (string | bigint)[];
  /** Absent: the columns are the answer's as they are. */
  readonly layout?: AnswerLayout;
}

export const TICK_ORDER = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'] as const;

export function filterConditions({ exchange, symbols, fromUs, toUs }: TickFilter, parameters: Parameters): string[] {
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

export function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

export function limit({ limit: rows }: TypedQuestion): string {
  if (!Number.isSafeInteger(rows) || rows < 0)
    throw new QuestionError('invalid-query', `limit is ${rows}: expected a whole number, from 0`);
  return String(rows);
}

export function scanOf(scans: readonly LocalScan[], table: TableName): LocalScan {
  const scan = scans.find((candidate) => candidate.table === table);
  if (scan === undefined) throw new QuestionError('invalid-query', `no scan of ${table} is planned`);
  return scan;
}

export class Parameters {
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
