import type { Answer } from '@k2/ports';
import { jsonRows } from './json.ts';

/** Rows of one chunk: what is in memory as text at once. */
const CHUNK_ROWS = 1_024;

/** One JSON object a line (ndjson.org), in chunks of up to 1,024 rows. */
export async function* encodeNdjson({ columns, batches }: Answer): AsyncGenerator<string> {
  for await (const batch of batches) {
    for (let from = 0; from < batch.rowCount; from += CHUNK_ROWS) {
      yield `${jsonRows(columns, batch, from, Math.min(from + CHUNK_ROWS, batch.rowCount), '\n')}\n`;
    }
  }
}
