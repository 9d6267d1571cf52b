import type { AskOptions } from '@k2/ports';
import type { AnswerTicks, TicksRequest } from '@k2/usecases';
import { jsonArray } from '../encode/json.ts';
import { completenessJson } from './provenance.ts';

/** One page as JSON text, `{data, completeness, snapshotId, nextCursor}`, straight from the columns. */
export async function ticksPageJson(answers: AnswerTicks, request: TicksRequest, options: AskOptions): Promise<string> {
  const { columns, batches, rowCount, completeness, snapshotId, nextCursor } = await answers.page(request, options);
  return envelope(jsonArray(columns, batches, rowCount), completenessJson(completeness), snapshotId, nextCursor);
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
