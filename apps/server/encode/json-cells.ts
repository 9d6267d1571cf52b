import type { AnswerBatch, AnswerColumn, AnswerDictionaryValue, AnswerValues } from '@k2/ports';
import { base64Text, decimalText, doubleText, timeText, utf8Text, wideTimeText, type TextAt } from './value-text.ts';

/** Texts of a column's values; each stands between two `quote`s, which are empty where they are none or in the text. */
export interface JsonCells {
  readonly text: TextAt;
  readonly quote: '"' | '';
}

/**
 * JSON text of each value of a column. Integers beyond 2^53, decimals and times are strings, so that no reader rounds
 * them; binary is base64; doubles that JSON has no number for are the strings NaN, Infinity and -Infinity.
 */
export function jsonCells(column: AnswerColumn, batch: AnswerBatch, at: number): JsonCells {
  const { text, quote } = valueCells(column, batch.columns[at], batch.rowCount);
  const nulls = batch.nulls[at] ?? null;
  if (nulls === null) return { text, quote };
  return { text: (row) => (nulls[row] === 1 ? 'null' : quote + text(row) + quote), quote: '' };
}

/** JSON text of a column that is the same in rows `[from, to)`; null where it may not be. */
export function constantJson(
  column: AnswerColumn,
  batch: AnswerBatch,
  at: number,
  from: number,
  to: number,
): string | null {
  const values = batch.columns[at];
  const nulls = batch.nulls[at] ?? null;
  if (to <= from) return 'null';
  if (nulls !== null && isSame(nulls, from, to) && nulls[from] === 1) return 'null';
  if (values.kind !== 'dictionary' || (nulls !== null && !isSame(nulls, from, to))) return null;
  return isSame(values.codes, from, to) ? dictionaryText(column, values.dictionary[values.codes[from]]) : null;
}

function isSame(values: Uint8Array | Uint16Array, from: number, to: number): boolean {
  const first = values[from];
  for (let row = from + 1; row < to; row++) if (values[row] !== first) return false;
  return true;
}

type DictionaryColumn = Extract<AnswerValues, { readonly kind: 'dictionary' }>;

/** Each distinct value is printed once. */
function dictionaryCells(column: AnswerColumn, { codes, dictionary }: DictionaryColumn): TextAt {
  const texts: (string | undefined)[] = [];
  return (row) => (texts[codes[row]] ??= dictionaryText(column, dictionary[codes[row]]));
}

function dictionaryText({ type }: AnswerColumn, value: AnswerDictionaryValue | undefined): string {
  return type === 'json' && typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function valueCells(column: AnswerColumn, values: AnswerValues, rowCount: number): JsonCells {
  const { type, scale = 8 } = column;
  switch (values.kind) {
    case 'integer':
      return type === 'timestamp' ? quoted(timeText(values.values)) : bare((row) => String(values.values[row]));
    case 'int64':
      if (type === 'timestamp') return quoted(wideTimeText(values.values));
      return bare((row) => integerText(String(values.values[row])));
    case 'decimal':
      return quoted(decimalText(values.values, scale));
    case 'double':
      return bare((row) => jsonDouble(values.values[row]));
    case 'boolean':
      return bare((row) => (values.values[row] === 1 ? 'true' : 'false'));
    case 'binary':
      return quoted(base64Text(values.values));
    case 'utf8': {
      const { at, all } = utf8Text(values.values, rowCount);
      if (type === 'json') return bare((row) => at(row) || 'null');
      // Beyond 64 bits; decimals are strings in any case.
      if (type === 'integer') return bare((row) => integerText(at(row)));
      return NEEDS_ESCAPE.test(all) ? bare((row) => JSON.stringify(at(row))) : quoted(at);
    }
    case 'dictionary':
      return bare(dictionaryCells(column, values));
  }
}

/** What JSON.stringify would write otherwise than it is; lone surrogates cannot come out of UTF-8. */
const NEEDS_ESCAPE = /["\\\p{Cc}]/u;

const quoted = (text: TextAt): JsonCells => ({ text, quote: '"' });
const bare = (text: TextAt): JsonCells => ({ text, quote: '' });

function integerText(digits: string): string {
  return Number.isSafeInteger(Number(digits)) ? digits : `"${digits}"`;
}

function jsonDouble(value: number): string {
  return Number.isFinite(value) ? doubleText(value) : `"${value}"`;
}
