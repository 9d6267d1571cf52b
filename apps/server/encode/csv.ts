import type { AnswerBatches, AnswerBatch, AnswerColumn, AnswerValues } from '@k2/ports';
import { rowChunks } from './row-chunks.ts';
import { base64Text, decimalText, doubleText, timeText, utf8Text, wideTimeText, type TextAt } from './value-text.ts';

/**
 * RFC 4180 with a header line. Null is an empty field, an empty string is `""`; lists and maps are their JSON text,
 * binary is base64. A null of the only column would be an empty line, which readers skip: there it is the word NULL, which
 * as a string is in quotes.
 */
export async function* encodeCsv({ columns, batches }: AnswerBatches): AsyncGenerator<string> {
  yield `${columns.map(({ name }) => csvField(name)).join(',')}\r\n`;
  for await (const batch of batches) {
    const cells = columns.map((column, at) => csvCells(column, batch, at));
    if (cells.length === 1) cells[0] = onlyCells(cells[0]);
    for (const [from, to] of rowChunks(batch)) yield csvRows(cells, from, to);
  }
}

function csvRows(cells: readonly TextAt[], from: number, to: number): string {
  let out = '';
  for (let row = from; row < to; row++) {
    for (let at = 0; at < cells.length; at++) out += at === 0 ? cells[at](row) : `,${cells[at](row)}`;
    out += '\r\n';
  }
  return out;
}

function onlyCells(text: TextAt): TextAt {
  return (row) => {
    const cell = text(row);
    if (cell === '') return NULL;
    return cell === NULL ? `"${NULL}"` : cell;
  };
}

const NULL = 'NULL';

function csvCells(column: AnswerColumn, batch: AnswerBatch, at: number): TextAt {
  const text = valueCells(column, batch.columns[at], batch.rowCount);
  const nulls = batch.nulls[at];
  return nulls === null || nulls === undefined ? text : (row) => (nulls[row] === 1 ? '' : text(row));
}

function valueCells({ type, scale = 8 }: AnswerColumn, values: AnswerValues, rowCount: number): TextAt {
  switch (values.kind) {
    case 'integer':
      return type === 'timestamp' ? timeText(values.values) : (row) => String(values.values[row]);
    case 'int64':
      if (type === 'timestamp') return wideTimeText(values.values);
      return (row) => String(values.values[row]);
    case 'double':
      return (row) => doubleText(values.values[row]);
    case 'decimal':
      return decimalText(values.values, scale);
    case 'boolean':
      return (row) => (values.values[row] === 1 ? 'true' : 'false');
    case 'binary': {
      const text = base64Text(values.values);
      return (row) => text(row) || '""';
    }
    case 'utf8': {
      const { at, all } = utf8Text(values.values, rowCount);
      return NEEDS_QUOTES.test(all) ? (row) => csvField(at(row)) : (row) => at(row) || '""';
    }
    case 'dictionary': {
      const texts: (string | undefined)[] = [];
      const { codes, dictionary } = values;
      const print = (code: number) => {
        const value = dictionary[code];
        if (value === null || value === undefined) return '';
        return csvField(typeof value === 'string' ? value : JSON.stringify(value));
      };
      return (row) => (texts[codes[row]] ??= print(codes[row]));
    }
  }
}

const NEEDS_QUOTES = /[",\r\n]/;

function csvField(text: string): string {
  if (text === '') return '""';
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
