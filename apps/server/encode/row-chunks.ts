import type { AnswerBatch, AnswerValues } from '@k2/ports';

const CHUNK_ROWS_MAX = 1_024;
const CHUNK_BYTES = 1_048_576;
/** Of a number, a time or a flag, with what is around it. */
const PLAIN_VALUE_BYTES = 32;

/** Ranges of rows `[from, to)` whose text is about a MiB: what is in memory as text at once. */
export function* rowChunks(batch: AnswerBatch, from = 0, to = batch.rowCount): Generator<readonly [number, number]> {
  const rowBytes = batch.columns.reduce((sum, values) => sum + valueBytes(values, batch.rowCount), 1);
  const rows = Math.max(1, Math.min(CHUNK_ROWS_MAX, Math.floor(CHUNK_BYTES / rowBytes)));
  for (let start = from; start < to; start += rows) yield [start, Math.min(start + rows, to)];
}

/** Of a value of the column: the mean, or the largest where each may be in every row. */
function valueBytes(values: AnswerValues, rowCount: number): number {
  switch (values.kind) {
    case 'utf8':
    case 'binary':
      return (values.values.offsets[rowCount] - values.values.offsets[0]) / Math.max(1, rowCount);
    case 'dictionary':
      return values.dictionary.reduce((most: number, value) => Math.max(most, dictionaryBytes(value)), 0);
    default:
      return PLAIN_VALUE_BYTES;
  }
}

function dictionaryBytes(value: unknown): number {
  return typeof value === 'string' ? value.length : JSON.stringify(value).length;
}

/** Memory that a batch takes. */
export function batchBytes({ columns, rowCount }: AnswerBatch): number {
  return columns.reduce((sum, values) => sum + columnBytes(values, rowCount), 0);
}

function columnBytes(values: AnswerValues, rowCount: number): number {
  switch (values.kind) {
    case 'utf8':
    case 'binary':
      return values.values.offsets[rowCount] - values.values.offsets[0] + 4 * rowCount;
    case 'dictionary':
      return 2 * rowCount + values.dictionary.reduce((sum: number, value) => sum + dictionaryBytes(value), 0);
    default:
      return 8 * rowCount;
  }
}
