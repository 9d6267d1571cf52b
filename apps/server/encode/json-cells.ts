import type { AnswerBatch, AnswerColumn, AnswerValues } from '@k2/ports';
import { base64Text, decimalText, timeText, utf8Text, type TextAt } from './value-text.ts';

/**
 * JSON text of each value of a column. Integers beyond 2^53, decimals and times are strings, so that no reader rounds
 * them; binary is base64; doubles that JSON has no number for are the strings NaN, Infinity and -Infinity.
 */
export function jsonCells(column: AnswerColumn, batch: AnswerBatch, at: number): TextAt {
  const text = valueCells(column, batch.columns[at], batch.rowCount);
  const nulls = batch.nulls[at];
  return nulls === null || nulls === undefined ? text : (row) => (nulls[row] === 1 ? 'null' : text(row));
}

function valueCells({ type, scale = 8 }: AnswerColumn, values: AnswerValues, rowCount: number): TextAt {
  switch (values.kind) {
    case 'integer':
      return type === 'timestamp' ? quoted(timeText(values.values)) : (row) => String(values.values[row]);
    case 'int64':
      if (type === 'timestamp') return quoted(timeText(Float64Array.from(values.values, Number)));
      return (row) => integerText(String(values.values[row]));
    case 'decimal':
      return quoted(decimalText(values.values, scale));
    case 'double':
      return (row) => doubleText(values.values[row]);
    case 'boolean':
      return (row) => (values.values[row] === 1 ? 'true' : 'false');
    case 'binary':
      return quoted(base64Text(values.values));
    case 'utf8': {
      const { at, all } = utf8Text(values.values, rowCount);
      if (type === 'json') return (row) => at(row) || 'null';
      // Beyond 64 bits; decimals are strings in any case.
      if (type === 'integer') return (row) => integerText(at(row));
      return NEEDS_ESCAPE.test(all) ? (row) => JSON.stringify(at(row)) : quoted(at);
    }
    case 'dictionary': {
      const texts: (string | undefined)[] = [];
      const { codes, dictionary } = values;
      const print = (code: number) => {
        const value = dictionary[code];
        return type === 'json' && typeof value === 'string' ? value : JSON.stringify(value ?? null);
      };
      return (row) => (texts[codes[row]] ??= print(codes[row]));
    }
  }
}

/** What JSON.stringify would write otherwise than it is; lone surrogates cannot come out of UTF-8. */
const NEEDS_ESCAPE = /["\\\p{Cc}]/u;

const quoted =
  (text: TextAt): TextAt =>
  (row) =>
    `"${text(row)}"`;

function integerText(digits: string): string {
  return Number.isSafeInteger(Number(digits)) ? digits : `"${digits}"`;
}

function doubleText(value: number): string {
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}
