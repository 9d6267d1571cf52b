import type { MissingTicks } from '@k2/domain/lake';
import type { Utf8Column } from '@k2/domain/market';
import type { AnswerBatch, AnswerColumn, AnswerValues } from '@k2/ports';

export const GAP_COLUMNS: readonly AnswerColumn[] = [
  { name: 'record_type', type: 'string' },
  { name: 'exchange', type: 'string' },
  { name: 'symbol', type: 'string' },
  { name: 'session', type: 'string' },
  { name: 'sequence_from', type: 'integer' },
  { name: 'sequence_to', type: 'integer' },
  { name: 'missing_ticks', type: 'integer' },
  { name: 'timestamp_from', type: 'timestamp' },
  { name: 'timestamp_to', type: 'timestamp' },
];

export function gapsBatch(gaps: readonly MissingTicks[]): AnswerBatch {
  const columns: AnswerValues[] = [
    strings(gaps.map(({ recordType }) => recordType)),
    strings(gaps.map(({ exchange }) => exchange)),
    strings(gaps.map(({ symbol }) => symbol)),
    strings(gaps.map(({ session }) => session)),
    integers(gaps.map(({ sequenceFrom }) => sequenceFrom)),
    integers(gaps.map(({ sequenceTo }) => sequenceTo)),
    integers(gaps.map(({ sequenceFrom, sequenceTo }) => sequenceTo - sequenceFrom + 1)),
    integers(gaps.map(({ fromTimeUs }) => fromTimeUs)),
    integers(gaps.map(({ toTimeUs }) => toTimeUs)),
  ];
  return { rowCount: gaps.length, columns, nulls: columns.map(() => null) };
}

const integers = (values: readonly number[]): AnswerValues => ({ kind: 'integer', values: Float64Array.from(values) });

function strings(texts: readonly string[]): AnswerValues {
  const offsets = new Uint32Array(texts.length + 1);
  texts.forEach((text, row) => (offsets[row + 1] = offsets[row] + Buffer.byteLength(text)));
  const values: Utf8Column = { offsets, bytes: Buffer.from(texts.join('')) };
  return { kind: 'utf8', values };
}
