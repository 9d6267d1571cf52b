import type { AnswerBatch, AnswerColumn } from '@k2/ports';
import { jsonCells } from './json-cells.ts';

/** Rows `[from, to)` as JSON objects with `separator` between them. */
export function jsonRows(
  columns: readonly AnswerColumn[],
  batch: AnswerBatch,
  from = 0,
  to = batch.rowCount,
  separator = ',',
): string {
  const keys = columns.map(({ name }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const cells = columns.map((column, at) => jsonCells(column, batch, at));
  if (columns.length === 0) return Array.from({ length: to - from }, () => '{}').join(separator);
  let out = '';
  for (let row = from; row < to; row++) {
    if (row > from) out += separator;
    for (let at = 0; at < keys.length; at++) out += keys[at] + cells[at](row);
    out += '}';
  }
  return out;
}

/** Rows of several batches as one JSON array: up to `limit` of them, after the first `offset`. */
export function jsonArray(columns: readonly AnswerColumn[], batches: readonly AnswerBatch[], limit: number, offset = 0): string {
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
