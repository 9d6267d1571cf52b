import { answerValue, type AnswerTicks, type TicksRequest } from '@k2/usecases';
import type { AnswerBatch, AnswerColumn, AskOptions } from '@k2/ports';
import { jsonArray } from '../encode/json.ts';
import { completenessJson } from './provenance.ts';
import { collectBatches, rowCountOf } from './send-answer.ts';

/** Fields that say where a row stands in the order of ticks. */
const POSITION_FIELDS = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'];

export interface FieldsRequest extends TicksRequest {
  readonly fields: readonly string[];
}

/** One page as JSON text, `{data, completeness, snapshotId, nextCursor}`, straight from the columns. */
export async function ticksPageJson(
  answers: AnswerTicks,
  request: FieldsRequest,
  options: AskOptions,
): Promise<string> {
  const fields = request.fields;
  const needed = [...fields, ...POSITION_FIELDS.filter((field) => !fields.includes(field))];
  const { answer, completeness, snapshotId } = await answers.stream(
    { ...request, fields: needed, limit: request.limit + 1 },
    options,
  );
  const batches = await collectBatches(answer);
  const data = jsonArray(answer.columns.slice(0, fields.length), batches, request.limit);
  const hasMore = rowCountOf(batches) > request.limit;
  const nextCursor = hasMore ? cursorAfter(answer.columns, batches, request.limit - 1, snapshotId!) : null;
  return envelope(data, completenessJson(completeness), snapshotId, nextCursor);
}

export function envelope(
  data: string,
  completeness: object,
  snapshotId: bigint | null,
  nextCursor: string | null,
): string {
  const id = snapshotId === null ? 'null' : `"${snapshotId}"`;
  return `{"data":${data},"completeness":${JSON.stringify(completeness)},"snapshotId":${id},"nextCursor":${JSON.stringify(nextCursor)}}`;
}

/** In the form that AnswerTicks takes as `cursor`. */
function cursorAfter(
  columns: readonly AnswerColumn[],
  batches: readonly AnswerBatch[],
  lastRow: number,
  snapshotId: bigint,
): string {
  let row = lastRow;
  const batch = batches.find(({ rowCount }) => {
    if (row < rowCount) return true;
    row -= rowCount;
    return false;
  })!;
  const position = POSITION_FIELDS.map((field) => {
    const at = columns.findIndex(({ name }) => name === field);
    return answerValue(columns[at], batch, at, row);
  });
  return Buffer.from(JSON.stringify([String(snapshotId), ...position])).toString('hex');
}
