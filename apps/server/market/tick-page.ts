import type { TicksPage } from '@k2/usecases';
import { jsonArray } from '../encode/json.ts';
import { completenessJson } from './provenance.ts';

/** One page as JSON text, `{data, completeness, snapshotId, nextCursor}`, straight from the columns. */
export function pageJson({ columns, batches, rowCount, completeness, snapshotId, nextCursor }: TicksPage): string {
  const data = jsonArray(columns, batches, rowCount);
  const id = snapshotId === null ? 'null' : `"${snapshotId}"`;
  return `{"data":${data},"completeness":${JSON.stringify(completenessJson(completeness))},"snapshotId":${id},"nextCursor":${JSON.stringify(nextCursor)}}`;
}
