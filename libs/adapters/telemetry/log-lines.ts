import { printTimeUs } from '@k2/domain/market';
import type { LogLevel } from '@k2/ports';

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface LogEntry {
  readonly timeUs: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly correlationId: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Longest line, in UTF-16 units; of a longer one the fields are cut and `truncated` says so. */
export const LOG_LINE_LENGTH_MAX = 32_768;

const RESERVED = ['time', 'level', 'message', 'correlationId', 'truncated'];

/** One JSON object a line: `time`, `level`, `message`, `correlationId` where there is one, then the fields. */
export function jsonLine({ timeUs, level, message, correlationId, fields }: LogEntry): string {
  const head = {
    time: printTimeUs(timeUs),
    level,
    message: cut(message),
    ...(correlationId === undefined ? {} : { correlationId: cut(correlationId) }),
  };
  // A field never replaces what every line has.
  const named = Object.entries(fields).map(([name, value]) => [
    RESERVED.includes(name) ? `field_${name}` : name,
    value,
  ]);
  const line = JSON.stringify({ ...head, ...(plain(Object.fromEntries(named)) as object) });
  if (line.length <= LOG_LINE_LENGTH_MAX) return line;
  return JSON.stringify({ ...head, truncated: cut(line) });
}

/** For eyes: `20:57:14.754 INFO  sink: committed rows=500 table=market_data.trades`. Always one line. */
export function prettyLine({ timeUs, level, message, correlationId, fields }: LogEntry, colour: boolean): string {
  const time = printTimeUs(timeUs).slice(11, 23);
  const all = correlationId === undefined ? fields : { ...fields, correlationId };
  const pairs = Object.entries(all).map(([name, value]) => `${name}=${shown(value)}`);
  const label = level.toUpperCase().padEnd(5);
  const parts = colour ? [dim(time), `${COLOURS[level]}${label}\u001b[0m`] : [time, label];
  const tail = pairs.length === 0 ? '' : ` ${cut(pairs.join(' '))}`;
  return `${parts.join(' ')} ${harmless(cut(message))}${colour ? dim(harmless(tail)) : harmless(tail)}`;
}

const COLOURS: Readonly<Record<LogLevel, string>> = {
  debug: '\u001b[90m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};

const dim = (text: string) => `\u001b[2m${text}\u001b[0m`;

function cut(text: string): string {
  const max = LOG_LINE_LENGTH_MAX / 8;
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  if (typeof value === 'string') return /^[\w./:+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(plain(value)) ?? String(value);
}

/** What a field holds may come from outside: no control character of it reaches the terminal. */
function harmless(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const DEPTH_MAX = 6;
const ITEMS_MAX = 100;

/** A value that JSON can hold: errors with their cause and context, no cycles, bounded depth and width. */
function plain(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '…';
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Map)
    return plain(Object.fromEntries([...value].map(([key, item]) => [String(key), item])), depth);
  if (value instanceof Set || Array.isArray(value)) return plainList([...value], depth);
  const entries = Object.entries(value).slice(0, ITEMS_MAX);
  return Object.fromEntries(entries.map(([name, item]) => [name, plain(item, depth + 1)]));
}

function plainList(items: readonly unknown[], depth: number): unknown[] {
  const shownItems = items.slice(0, ITEMS_MAX).map((item) => plain(item, depth + 1));
  return items.length <= ITEMS_MAX ? shownItems : [...shownItems, `… ${items.length - ITEMS_MAX} more`];
}

function plainError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error;
  const own = plain({ ...error }, depth + 1);
  return {
    ...(typeof own === 'object' ? own : {}),
    name,
    message,
    ...(cause === undefined ? {} : { cause: plain(cause, depth + 1) }),
    stack,
  };
}
