import { printTimeUs } from '@k2/domain/market';
import type { AnswerBatches, AnswerColumn } from '@k2/ports';
import { answerValue, type AnswerValue } from '@k2/usecases/answer-rows';
import type { JsonRow, JsonValue } from './session.ts';

/** The rows of an answer as the API would print them, a batch at a time. */
export async function* rowsOf({ columns, batches }: AnswerBatches): AsyncGenerator<readonly JsonRow[]> {
  for await (const batch of batches) {
    const rows: JsonRow[] = [];
    for (let row = 0; row < batch.rowCount; row++) {
      rows.push(
        Object.fromEntries(
          columns.map((column, at) => [column.name, jsonValue(column, answerValue(column, batch, at, row))]),
        ),
      );
    }
    yield rows;
  }
}

export function jsonValue({ type }: Pick<AnswerColumn, 'type'>, value: AnswerValue): JsonValue {
  if (typeof value === 'bigint') return jsonInteger(value);
  if (typeof value === 'number') {
    if (type === 'timestamp') return printTimeUs(value);
    // JSON has no word for these.
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (type === 'json' && typeof value === 'string') return JSON.parse(value) as JsonValue;
  return value as JsonValue;
}

/** Exact: beyond 2^53 a JSON number would be rounded by most readers. */
export function jsonInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
