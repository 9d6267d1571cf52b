import { printTimeUs } from '@k2/domain/market';
import type { AnswerDictionaryValue, AnswerBatches, AnswerBatch, AnswerColumn, AnswerValues } from '@k2/ports';
import type { Row } from '../builders/rows.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Every row of an answer, in the builders' form: decimals as shortest text, times as µs, integers beyond 2^53 as bigint. */
export async function answerRows(answer: AnswerBatches): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of answer.batches) rows.push(...batchRows(answer.columns, batch));
  return rows;
}

export function batchRows(columns: readonly AnswerColumn[], batch: AnswerBatch): Row[] {
  if (batch.columns.length !== columns.length || batch.nulls.length !== columns.length) {
    throw new Error(`a batch of ${batch.columns.length} columns in an answer of ${columns.length}`);
  }
  return Array.from({ length: batch.rowCount }, (_, row) =>
    Object.fromEntries(columns.map((column, i) => [column.name, answerValue(column, batch, i, row)])),
  );
}

function answerValue(column: AnswerColumn, batch: AnswerBatch, index: number, row: number): unknown {
  if (batch.nulls[index]?.[row] === 1) return null;
  return valueAt(column, batch.columns[index], row);
}

function valueAt(column: AnswerColumn, values: AnswerValues, row: number): unknown {
  switch (values.kind) {
    case 'integer':
      return checkedTime(column, values.values[row]);
    case 'double':
    case 'int64':
      return values.values[row];
    case 'boolean':
      return values.values[row] === 1;
    case 'decimal':
      return printScaled(values.values[row], column.scale ?? 0);
    case 'dictionary':
      return plain(values.dictionary[values.codes[row]]);
    case 'utf8':
      return textValue(column, decoder.decode(bytesAt(values.values, row)));
    case 'binary':
      return bytesAt(values.values, row).slice();
  }
}

/** A time must print: NaN or a fraction of a µs does not. */
function checkedTime({ name, type }: AnswerColumn, value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error(`${name} is ${value}: expected an exact integer`);
  if (type === 'timestamp') printTimeUs(value);
  return value;
}

/** A decimal beyond int64 comes as plain text, with or without trailing zeros. */
function textValue({ type }: AnswerColumn, text: string): string {
  return type === 'decimal' && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function plain(value: AnswerDictionaryValue): unknown {
  if (value === null || typeof value === 'string') return value;
  return Array.isArray(value) ? [...value] : { ...value };
}

function bytesAt({ offsets, bytes }: { offsets: Uint32Array; bytes: Uint8Array }, row: number): Uint8Array {
  return bytes.subarray(offsets[row], offsets[row + 1]);
}

function printScaled(scaled: bigint, scale: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, '0');
  const fraction = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - scale);
  return `${scaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
