import type { RecordType } from '@k2/domain/market';
import type { AsOf, TickFilter } from '@k2/ports';
import { tickFields, type TicksRequest } from '@k2/usecases';
import type { Format } from '../encode/formats.ts';
import { Checked } from '../http/checked.ts';
import { conflictingValue } from '../http/problem.ts';
import {
  AS_OF,
  CURSOR,
  exactUs,
  EXCHANGE,
  fieldsCheck,
  formatCheck,
  FROM,
  integerCheck,
  listOf,
  ORDER,
  parseAsOf,
  timeUsOf,
  SYMBOL,
  SYMBOLS_MAX,
  TO,
} from './checks.ts';

export const TICK_FORMATS: readonly Format[] = ['json', 'ndjson', 'csv', 'arrow', 'parquet'];
/** Gaps are worked out here, not by the engine, which alone writes Parquet. */
export const GAP_FORMATS: readonly Format[] = ['json', 'ndjson', 'csv', 'arrow'];

/** Rows of a JSON answer: it is in memory as a whole. */
export const JSON_ROWS_MAX = 10_000;
export const JSON_ROWS_DEFAULT = 1_000;
/** Rows of a streamed answer. */
export const STREAM_ROWS_MAX = 1_000_000;

const LIMIT = integerCheck(
  `Rows. JSON: ${JSON_ROWS_DEFAULT} where absent, at most ${JSON_ROWS_MAX}. Other formats: ${STREAM_ROWS_MAX} where absent and at most; K2-Row-Limit repeats it, and an answer of that many rows may be cut.`,
  1,
  STREAM_ROWS_MAX,
);

class FilterQuery {
  @Checked(EXCHANGE) exchange?: string;
  @Checked(SYMBOL) symbol?: string | string[];
  @Checked(FROM) from?: string;
  @Checked(TO) to?: string;

  filter(): TickFilter {
    const fromUs = this.from === undefined ? undefined : timeUsOf(this.from)!;
    const toUs = this.to === undefined ? undefined : timeUsOf(this.to)!;
    if (fromUs !== undefined && toUs !== undefined && toUs <= fromUs) {
      throw conflictingValue('to', this.to, `a time after from (${this.from}): the range is [from, to)`);
    }
    const symbols = this.symbol === undefined ? undefined : listOf(this.symbol)!;
    if (symbols !== undefined && symbols.length > SYMBOLS_MAX) {
      throw conflictingValue('symbol', this.symbol, `up to ${SYMBOLS_MAX} symbols in all, not ${symbols.length}`);
    }
    return {
      ...(this.exchange !== undefined && { exchange: this.exchange }),
      ...(symbols !== undefined && { symbols: [...new Set(symbols)] }),
      ...(fromUs !== undefined && { fromUs: exactUs(fromUs) }),
      ...(toUs !== undefined && { toUs: exactUs(toUs) }),
    };
  }
}

class AnswerQuery extends FilterQuery {
  @Checked(AS_OF) asOf?: string;
  @Checked(formatCheck(TICK_FORMATS)) format?: Format;
  @Checked(LIMIT) limit?: string;

  get asOfWanted(): AsOf {
    return parseAsOf(this.asOf)!;
  }

  /** Rows wanted in a format. */
  rowLimit(format: Format): number {
    return rowLimit(this.limit, format);
  }
}

abstract class TicksQuery extends AnswerQuery {
  abstract readonly fields?: string | string[];
  @Checked(ORDER) order?: 'oldest-first' | 'newest-first';
  @Checked(CURSOR) cursor?: string;

  request(recordType: RecordType, format: Format): TicksRequest {
    return {
      recordType,
      filter: this.filter(),
      asOf: this.asOfWanted,
      fields: this.fields === undefined ? tickFields(recordType) : listOf(this.fields)!,
      order: this.order ?? 'oldest-first',
      ...(this.cursor !== undefined && { cursor: this.cursor }),
      limit: this.rowLimit(format),
    };
  }
}

export class TradesQuery extends TicksQuery {
  @Checked(fieldsCheck(tickFields('trades'))) override readonly fields?: string | string[];
}

export class QuotesQuery extends TicksQuery {
  @Checked(fieldsCheck(tickFields('quotes'))) override readonly fields?: string | string[];
}

const INTERVAL = /^([1-9]\d{0,5})(s|m|h|d)$/;
/** Up to 7 days of each unit: 604,800 s, 10,080 m, 168 h. */
const INTERVAL_TEXT = [
  '^([1-9][0-9]{0,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2}|604800)s$',
  '^([1-9][0-9]{0,3}|100[0-7][0-9]|10080)m$',
  '^([1-9][0-9]?|1[0-5][0-9]|16[0-8])h$',
  '^[1-7]d$',
].join('|');
const INTERVAL_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const INTERVAL_SECONDS_MAX = 7 * 86_400;

export class BarsQuery extends AnswerQuery {
  @Checked({
    description: 'Length of a bar: a number and s, m, h or d, up to 7d. Bars are half-open, aligned to 1970-01-01 UTC.',
    expected: 'a length from 1s to 7d, as 1s, 1m, 5m, 1h or 1d',
    holds: (value) => intervalSeconds(value) !== null,
    schema: { type: 'string', default: '1m', pattern: INTERVAL_TEXT },
    example: '5m',
  })
  interval?: string;
  @Checked(CURSOR) cursor?: string;

  get intervalUs(): number {
    return intervalSeconds(this.interval ?? '1m')! * 1_000_000;
  }
}

export class SymbolsQuery extends AnswerQuery {}

export class GapsQuery extends FilterQuery {
  @Checked(AS_OF) asOf?: string;
  @Checked({
    description: 'Gaps in which records; both where absent.',
    expected: 'trades or quotes',
    holds: (value) => value === 'trades' || value === 'quotes',
    schema: { type: 'string', enum: ['trades', 'quotes'] },
  })
  recordType?: RecordType;
  @Checked(formatCheck(GAP_FORMATS)) format?: Format;
  @Checked(LIMIT) limit?: string;

  get asOfWanted(): AsOf {
    return parseAsOf(this.asOf)!;
  }

  rowLimit(format: Format): number {
    return rowLimit(this.limit, format);
  }
}

/** Rows wanted in a format, within what it can have. */
export function rowLimit(given: string | number | undefined, format: Format): number {
  if (format !== 'json') return given === undefined ? STREAM_ROWS_MAX : Number(given);
  const limit = given === undefined ? JSON_ROWS_DEFAULT : Number(given);
  if (limit > JSON_ROWS_MAX) {
    throw conflictingValue(
      'limit',
      limit,
      `an integer from 1 to ${JSON_ROWS_MAX} for JSON; the other formats stream up to ${STREAM_ROWS_MAX}`,
    );
  }
  return limit;
}

function intervalSeconds(value: unknown): number | null {
  const match = typeof value === 'string' ? INTERVAL.exec(value) : null;
  if (match === null) return null;
  const seconds = Number(match[1]) * INTERVAL_SECONDS[match[2] as keyof typeof INTERVAL_SECONDS];
  return seconds <= INTERVAL_SECONDS_MAX ? seconds : null;
}
