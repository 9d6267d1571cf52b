import type { AnswerBatch, AnswerColumn } from '@k2/ports';
import { ProblemError } from '../http/problem.ts';
import { constantJson, jsonCells } from './json-cells.ts';
import { rowChunks } from './row-chunks.ts';
import type { TextAt } from './value-text.ts';

/** Rows `[from, to)` as JSON objects with `separator` between them. */
export function jsonRows(
  columns: readonly AnswerColumn[],
  batch: AnswerBatch,
  from = 0,
  to = batch.rowCount,
  separator = ',',
): string {
  const { cells, before, end } = rowPieces(columns, batch, from, to);
  const between = end + separator;
  let out = '';
  for (let row = from; row < to; row++) {
    for (let at = 0; at < cells.length; at++) out += before[at] + cells[at](row);
    out += row < to - 1 ? between : end;
  }
  return out;
}

/**
 * What a row is joined from: few pieces, as joining is half the work. Keys and quotes go with what is beside them, and
 * a column that is the same in all rows (symbol, exchange, currency … of one instrument) is part of the text around it.
 */
function rowPieces(columns: readonly AnswerColumn[], batch: AnswerBatch, from: number, to: number) {
  const cells: TextAt[] = [];
  const before: string[] = [];
  let literal = '{';
  columns.forEach((column, at) => {
    literal += `${at === 0 ? '' : ','}${JSON.stringify(column.name)}:`;
    const constant = constantJson(column, batch, at, from, to);
    if (constant !== null) {
      literal += constant;
      return;
    }
    const { text, quote } = jsonCells(column, batch, at);
    before.push(literal + quote);
    cells.push(text);
    literal = quote;
  });
  return { cells, before, end: `${literal}}` };
}

/** Bytes of a JSON answer: it is in memory as a whole. */
export const JSON_BYTES_MAX = 32 * 2 ** 20;

/** Rows of several batches as one JSON array, up to `limit` of them. Throws `answer-too-large`. */
export function jsonArray(columns: readonly AnswerColumn[], batches: readonly AnswerBatch[], limit: number): string {
  const parts: string[] = [];
  let length = 0;
  let left = limit;
  for (const batch of batches) {
    const end = Math.min(left, batch.rowCount);
    for (const [from, to] of rowChunks(batch, 0, end)) {
      const part = jsonRows(columns, batch, from, to);
      length += part.length;
      if (length > JSON_BYTES_MAX) throw jsonTooLarge();
      parts.push(part);
    }
    left -= end;
  }
  return `[${parts.join(',')}]`;
}

export function jsonTooLarge(): ProblemError {
  return new ProblemError(
    'answer-too-large',
    `the answer is over ${JSON_BYTES_MAX} bytes as JSON: ask for fewer rows or columns, or for format=ndjson, which is streamed and has no such bound`,
  );
}
