import type { AnswerBatch, AnswerColumn } from '@k2/ports';
import { constantJson, jsonCells } from './json-cells.ts';
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

/** Rows of several batches as one JSON array: up to `limit` of them, after the first `offset`. */
export function jsonArray(
  columns: readonly AnswerColumn[],
  batches: readonly AnswerBatch[],
  limit: number,
  offset = 0,
): string {
  const parts: string[] = [];
  let skip = offset;
  let left = limit;
  for (const batch of batches) {
    const from = Math.min(skip, batch.rowCount);
    const to = Math.min(from + left, batch.rowCount);
    if (to > from) parts.push(jsonRows(columns, batch, from, to));
    skip -= from;
    left -= to - from;
  }
  return `[${parts.join(',')}]`;
}
