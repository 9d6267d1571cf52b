import { dayNumber, int64Words, setInt64, US_PER_DAY, type DictionaryValue } from '@k2/domain/market';
import { PortError, type AnswerValues } from '@k2/ports';
import type { ReadColumn } from './statement.ts';

/** As Trino sends them: decimals, times and bytes as text. */
export type Rows = readonly (readonly unknown[])[];

/** One column of rows; what stands where a row is null means nothing. */
export function columnValues(rows: Rows, at: number, { name, type, scale = 0 }: ReadColumn): AnswerValues {
  switch (type) {
    case 'string':
      return stringValues(rows, at);
    case 'integer':
      return integerValues(rows, at);
    case 'timestamp':
      return timeValues(rows, at, name);
    case 'decimal':
      return decimalValues(rows, at, name, scale);
    case 'binary':
      return binaryValues(rows, at);
    case 'string-list':
    case 'string-map':
      return nestedValues(rows, at);
  }
}

/** Distinct strings of a batch beyond which a string a row is cheaper than a dictionary. */
const DICTIONARY_ENTRIES_MAX = 1_024;

function stringValues(rows: Rows, at: number): AnswerValues {
  const known = new Map<string, number>();
  const codes = new Uint16Array(rows.length);
  const entriesMax = Math.min(DICTIONARY_ENTRIES_MAX, Math.max(4, rows.length >> 2));
  for (let row = 0; row < rows.length; row++) {
    const text = (rows[row][at] as string | null) ?? '';
    let code = known.get(text);
    if (code === undefined) {
      if (known.size === entriesMax) return utf8Values(Array.from(rows, (one) => (one[at] as string | null) ?? ''));
      code = known.size;
      known.set(text, code);
    }
    codes[row] = code;
  }
  return { kind: 'dictionary', codes, dictionary: [...known.keys()] };
}

const encoder = new TextEncoder();

export function utf8Values(texts: readonly string[]): AnswerValues {
  const all = texts.join('');
  const bytes = encoder.encode(all);
  const isAscii = bytes.length === all.length;
  const offsets = new Uint32Array(texts.length + 1);
  for (let row = 0; row < texts.length; row++) {
    offsets[row + 1] = offsets[row] + (isAscii ? texts[row].length : Buffer.byteLength(texts[row]));
  }
  return { kind: 'utf8', values: { offsets, bytes } };
}

/** As numbers, or as int64 where one of them is beyond 2^53 and was read exactly. */
function integerValues(rows: Rows, at: number): AnswerValues {
  const values = new Float64Array(rows.length);
  for (let row = 0; row < rows.length; row++) {
    const value = rows[row][at] as number | bigint | null;
    if (typeof value === 'bigint')
      return {
        kind: 'int64',
        values: BigInt64Array.from(rows, (one) => BigInt((one[at] as number | bigint | null) ?? 0)),
      };
    values[row] = value ?? 0;
  }
  return { kind: 'integer', values };
}

/** `2014-03-10 00:00:00.000001 UTC`; the day is looked up where it changes. */
function timeValues(rows: Rows, at: number, name: string): AnswerValues {
  const values = new Float64Array(rows.length);
  let day = '';
  let dayUs = 0;
  for (let row = 0; row < rows.length; row++) {
    const text = rows[row][at] as string | null;
    if (text === null) continue;
    if (text.length !== TIME_LENGTH || !text.endsWith(' UTC')) throw unreadable(name, text, 'a time in UTC to the µs');
    if (!text.startsWith(day) || day === '') {
      day = text.slice(0, 10);
      dayUs = dayNumber(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)) * US_PER_DAY;
    }
    const seconds = digits(text, 11, 13) * 3_600 + digits(text, 14, 16) * 60 + digits(text, 17, 19);
    values[row] = dayUs + seconds * 1_000_000 + digits(text, 20, 26);
    if (!Number.isSafeInteger(values[row])) throw unreadable(name, text, 'a time in UTC to the µs');
  }
  return { kind: 'integer', values };
}

const TIME_LENGTH = '2014-03-10 00:00:00.000001 UTC'.length;
const ZERO = 48;

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : NaN;
  }
  return value;
}

/** Numbers up to so many digits are exact. */
const SAFE_DIGITS_MAX = 15;

/** Scaled int64; plain text where one of them needs more. */
function decimalValues(rows: Rows, at: number, name: string, scale: number): AnswerValues {
  const values = new BigInt64Array(rows.length);
  const words = int64Words(values);
  for (let row = 0; row < rows.length; row++) {
    const text = rows[row][at] as string | null;
    if (text === null) continue;
    const point = text.length - scale - 1;
    if (text[point] !== '.') throw unreadable(name, text, `a decimal of scale ${scale}`);
    const scaled = text.slice(0, point) + text.slice(point + 1);
    if (scaled.length <= SAFE_DIGITS_MAX) {
      setInt64(words, row, Number(scaled));
      continue;
    }
    const exact = BigInt(scaled);
    if (exact !== BigInt.asIntN(64, exact)) return utf8Values(rows.map((one) => (one[at] as string | null) ?? ''));
    values[row] = exact;
  }
  return { kind: 'decimal', values };
}

/** Base64. */
function binaryValues(rows: Rows, at: number): AnswerValues {
  const all = rows.map((row) => Buffer.from((row[at] as string | null) ?? '', 'base64'));
  const offsets = new Uint32Array(rows.length + 1);
  all.forEach((bytes, row) => (offsets[row + 1] = offsets[row] + bytes.length));
  return { kind: 'binary', values: { offsets, bytes: new Uint8Array(Buffer.concat(all)) } };
}

/** Lists and maps of strings: few distinct ones, nearly all of them empty. */
function nestedValues(rows: Rows, at: number): AnswerValues {
  const known = new Map<string, number>();
  const dictionary: DictionaryValue[] = [];
  const codes = new Uint16Array(rows.length);
  for (let row = 0; row < rows.length; row++) {
    const value = rows[row][at] as DictionaryValue;
    const key = JSON.stringify(value);
    const code = known.get(key) ?? dictionary.push(value) - 1;
    known.set(key, code);
    codes[row] = code;
  }
  return { kind: 'dictionary', codes, dictionary };
}

function unreadable(name: string, text: string, expected: string): PortError {
  return new PortError('unavailable', `Trino sent ${JSON.stringify(text)} for ${name}: expected ${expected}`, { name });
}
