import { printDecimal, utf8At } from '@k2/domain/market';
import type { AnswerBatches, AnswerBatch, AnswerColumn, AnswerDictionaryValue, AnswerValues } from '@k2/ports';

/** A value of an answer: integers and times (UTC µs) as numbers, larger integers as bigints, decimals as exact strings. */
export type AnswerValue = string | number | bigint | boolean | Uint8Array | AnswerDictionaryValue;
export type AnswerRow = Readonly<Record<string, AnswerValue>>;

/** All rows of an answer as objects; for small answers. */
export async function answerRows(answer: AnswerBatches): Promise<readonly AnswerRow[]> {
  const rows: AnswerRow[] = [];
  for await (const batch of answer.batches) {
    for (let row = 0; row < batch.rowCount; row++) rows.push(answerRow(answer.columns, batch, row));
  }
  return rows;
}

export function answerRow(columns: readonly AnswerColumn[], batch: AnswerBatch, row: number): AnswerRow {
  return Object.fromEntries(columns.map((column, at) => [column.name, answerValue(column, batch, at, row)]));
}

export function answerValue(column: AnswerColumn, batch: AnswerBatch, at: number, row: number): AnswerValue {
  if (batch.nulls[at]?.[row] === 1) return null;
  return valueAt(column, batch.columns[at], row);
}

function valueAt(column: AnswerColumn, values: AnswerValues, row: number): AnswerValue {
  switch (values.kind) {
    case 'integer':
    case 'double':
    case 'int64':
      return values.values[row];
    case 'decimal':
      return printScaled(values.values[row], column.scale ?? 8);
    case 'boolean':
      return values.values[row] === 1;
    case 'dictionary':
      return values.dictionary[values.codes[row]];
    case 'utf8':
      return utf8At(values.values, row) ?? '';
    case 'binary':
      return values.values.bytes.subarray(values.values.offsets[row], values.values.offsets[row + 1]);
  }
}

function printScaled(scaled: bigint, scale: number): string {
  return scale === 8 ? printDecimal(scaled) : printAtScale(scaled, scale);
}

function printAtScale(scaled: bigint, scale: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - scale);
  return `${scaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
