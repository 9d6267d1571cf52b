import { isSymbol, parseTimeUs } from '@k2/domain/market';
import type { AsOf } from '@k2/ports';
import { FORMATS, type Format } from '../encode/formats.ts';
import { fits, type Check } from '../http/checked.ts';
import { CURSOR_HEX, NAME, SYMBOLS, TIME, TIME_OR_SNAPSHOT_ID } from './patterns.ts';

/** Symbols in one request. */
export const SYMBOLS_MAX = 1_000;
const NAME_LENGTH_MAX = 64;
const CURSOR_LENGTH_MAX = 2_000;
const SNAPSHOT_ID = /^\d{1,19}$/;

export const EXCHANGE: Check = {
  description: 'Venue code, verbatim.',
  expected: `one venue code of 1 to ${NAME_LENGTH_MAX} printable characters`,
  ...fits({ type: 'string', pattern: NAME, maxLength: NAME_LENGTH_MAX }),
  example: 'ASX',
};

export const SYMBOL: Check = {
  description: `Symbols of the venue, verbatim; repeat the parameter or separate them by commas. Up to ${SYMBOLS_MAX}.`,
  expected: `up to ${SYMBOLS_MAX} symbols of 1 to ${NAME_LENGTH_MAX} printable characters, separated by commas or repeated`,
  // How many there are in all, lists counted through, is for `FilterQuery` to see: no schema can tell.
  holds: (value) => [value].flat().length <= SYMBOLS_MAX && listOf(value)?.every(isSymbol) === true,
  schema: {
    type: 'array',
    items: { type: 'string', pattern: SYMBOLS },
    minItems: 1,
    maxItems: SYMBOLS_MAX,
    style: 'form',
    explode: true,
  },
  example: ['BHP'],
};

const TIME_EXPECTED =
  'ISO 8601 in UTC or with an offset, to the microsecond, as 2014-03-09T20:57:14.754Z or 2014-03-10 (in a URL the + of an offset is written %2B)';

export const FROM: Check = {
  description:
    "Start, inclusive: the venue's time as ISO 8601; UTC where no offset is given, midnight where no time is.",
  expected: TIME_EXPECTED,
  holds: (value) => timeUsOf(value) !== null,
  schema: { type: 'string', pattern: TIME },
  example: '2014-03-10T00:00:00Z',
};
export const TO: Check = { ...FROM, description: 'End, exclusive; as `from`.', example: '2014-03-11T00:00:00Z' };

export const AS_OF: Check = {
  description: 'Time travel: a time, or a snapshot id for the instant of its commit. Newest where absent.',
  expected: `a snapshot id (digits) or a time in ${TIME_EXPECTED}`,
  holds: (value) => parseAsOf(value) !== null,
  schema: { type: 'string', pattern: TIME_OR_SNAPSHOT_ID },
  example: '2014-03-11',
};

export const ORDER: Check = {
  description: 'By time, then exchange, symbol, session and sequence.',
  expected: 'oldest-first or newest-first',
  holds: (value) => value === 'oldest-first' || value === 'newest-first',
  schema: { type: 'string', enum: ['oldest-first', 'newest-first'], default: 'oldest-first' },
};

export const CURSOR: Check = {
  description:
    '`nextCursor` of the page before: goes on as of the same instant. The other parameters must stay the same.',
  expected: 'the nextCursor of an earlier answer, unchanged',
  ...fits({ type: 'string', pattern: CURSOR_HEX, maxLength: CURSOR_LENGTH_MAX }),
};

export function formatCheck(offered: readonly Format[]): Check {
  return {
    description: `Representation; wins over the Accept header. One of ${offered.join(', ')}.`,
    expected: `one of ${offered.join(', ')}`,
    holds: (value) => (FORMATS as readonly unknown[]).includes(value),
    schema: { type: 'string', enum: [...offered] },
  };
}

export function fieldsCheck(fields: readonly string[]): Check {
  return {
    description: `Fields of the rows, in the order wanted; repeat the parameter or separate them by commas. All where absent: ${fields.join(', ')}.`,
    expected: `some of ${fields.join(', ')}, each once`,
    holds: (value) => {
      const named = listOf(value);
      return named !== null && new Set(named).size === named.length && named.every((name) => fields.includes(name));
    },
    schema: {
      type: 'array',
      items: { type: 'string', enum: [...fields] },
      minItems: 1,
      uniqueItems: true,
      style: 'form',
      explode: true,
    },
  };
}

/** An integer of a query string, which is text. */
export function integerCheck(description: string, min: number, max: number, byDefault?: number): Check {
  const isText = (value: unknown) => typeof value === 'string' && /^\d{1,15}$/.test(value);
  return integer({
    description,
    min,
    max,
    byDefault,
    holds: (value) => isText(value) && isWithin(Number(value), min, max),
  });
}

/** An integer of a body. */
export function numberCheck(description: string, min: number, max: number): Check {
  return integer({ description, min, max, holds: (value) => isWithin(value, min, max) });
}

function integer(of: {
  readonly description: string;
  readonly min: number;
  readonly max: number;
  readonly byDefault?: number | undefined;
  readonly holds: (value: unknown) => boolean;
}): Check {
  const { description, min, max, byDefault, holds } = of;
  const schema = {
    type: 'integer',
    minimum: min,
    maximum: max,
    ...(byDefault !== undefined && { default: byDefault }),
  };
  return { description, expected: `an integer from ${min} to ${max}`, holds, schema };
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** `a,b` and repeated values as one list; null for anything else, also for an empty entry. */
export function listOf(value: unknown): readonly string[] | null {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!given.every((one): one is string => typeof one === 'string')) return null;
  const entries = given.flatMap((one) => one.split(','));
  return entries.length === 0 || entries.includes('') ? null : entries;
}

/** Null where it is no time. */
export function timeUsOf(value: unknown): number | null {
  if (typeof value !== 'string' || value.length > 40) return null;
  try {
    return parseTimeUs(value);
  } catch {
    return null;
  }
}

/** Microseconds are exact from 1684 to 2255, and no tick lies outside: an end beyond these means the same as these. */
export function exactUs(timeUs: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, timeUs));
}

export function parseAsOf(value: unknown): AsOf | null {
  if (value === undefined) return { kind: 'latest' };
  if (typeof value === 'string' && SNAPSHOT_ID.test(value)) return { kind: 'snapshot', snapshotId: BigInt(value) };
  const timeUs = timeUsOf(value);
  return timeUs === null ? null : { kind: 'time', timeUs: exactUs(timeUs) };
}
