import type { AnswerBatch } from '@k2/ports';
import { columnValues, type Rows } from './column-values.ts';
import { messageIds, vwaps, type MadeColumn } from './made-columns.ts';
import type { AnswerPart, ReadColumn, Statement } from './statement.ts';
import type { TrinoPage } from './trino-client.ts';

/** Codes of dictionaries are 16 bits wide. */
const BATCH_ROWS_MAX = 65_536;

/** A page's rows as columns: one batch, unless its rows are very many and very short. */
export function* pageBatches(
  page: Pick<TrinoPage, 'rows' | 'exactRows'>,
  { read, parts }: Pick<Statement, 'read' | 'parts'>,
): Generator<AnswerBatch, void, undefined> {
  const rows = hasUnsafeInteger(page.rows, read) ? page.exactRows() : page.rows;
  for (let from = 0; from < rows.length; from += BATCH_ROWS_MAX) {
    const ofBatch = rows.length <= BATCH_ROWS_MAX ? rows : rows.slice(from, from + BATCH_ROWS_MAX);
    const columns = parts.map((part) => partColumn(part, ofBatch, read));
    yield {
      rowCount: ofBatch.length,
      columns: columns.map(({ values }) => values),
      nulls: columns.map(({ nulls }) => nulls),
    };
  }
}

function partColumn(part: AnswerPart, rows: Rows, read: readonly ReadColumn[]): MadeColumn {
  switch (part.kind) {
    case 'read':
      return { values: columnValues(rows, part.at, read[part.at]), nulls: nullsOf(rows, part.at) };
    case 'message-id':
      return { values: messageIds(rows, part.of), nulls: null };
    case 'vwap':
      return vwaps(rows, part);
  }
}

function hasUnsafeInteger(rows: Rows, read: readonly ReadColumn[]): boolean {
  const integers = read.flatMap(({ type }, at) => (type === 'integer' ? [at] : []));
  return integers.some((at) => rows.some((row) => typeof row[at] === 'number' && !Number.isSafeInteger(row[at])));
}

function nullsOf(rows: Rows, at: number): Uint8Array | null {
  let nulls: Uint8Array | null = null;
  for (let row = 0; row < rows.length; row++) {
    if (rows[row][at] !== null) continue;
    nulls ??= new Uint8Array(rows.length);
    nulls[row] = 1;
  }
  return nulls;
}
