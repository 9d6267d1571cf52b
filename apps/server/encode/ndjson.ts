import type { AnswerBatches } from '@k2/ports';
import { jsonRows } from './json.ts';
import { rowChunks } from './row-chunks.ts';

/** One JSON object a line (ndjson.org). */
export async function* encodeNdjson({ columns, batches }: AnswerBatches): AsyncGenerator<string> {
  for await (const batch of batches) {
    for (const [from, to] of rowChunks(batch)) yield `${jsonRows(columns, batch, from, to, '\n')}\n`;
  }
}
