import type { CliContext } from '../context.ts';
import type { JsonRow, RowStream } from '../session/session.ts';
import { describeProvenance, printCount } from './describe-provenance.ts';

export interface PrintOptions {
  readonly json: boolean;
  /** Rows to print; the stream should hold one more, which then tells that there are more. */
  readonly limit: number;
  /** Which rows a table that is cut has. */
  readonly which?: 'first' | 'newest';
  /** Options by which more, or others, can be had. */
  readonly narrowBy: string;
  /** Said instead of an empty table. */
  readonly none: string;
  /** How a row looks in the table; in JSON it is never changed. */
  readonly shape?: (row: JsonRow) => JsonRow;
}

/** Characters gathered before a write. */
const WRITE_CHARS = 65_536;

/**
 * Rows on stdout, as NDJSON or as a table; on stderr what they are of: one JSON line, or one for people. Holds one batch
 * and one part of the table at a time.
 */
export async function printRows(context: CliContext, stream: RowStream, options: PrintOptions): Promise<void> {
  const count = { rows: 0, hasMore: false };
  const rows = limited(stream, options.limit, count);
  if (options.json) await writeNdjson(context, rows);
  else await writeTable(context, rows, options);
  if (options.json && (stream.provenance !== null || count.hasMore)) {
    await context.stderr.line(JSON.stringify({ rows: count.rows, hasMore: count.hasMore, ...stream.provenance }));
  }
  if (!options.json) {
    if (count.rows === 0) await context.stderr.line(options.none);
    if (count.hasMore) await context.stderr.line(cut(count.rows, options));
    if (stream.provenance !== null) await context.stderr.line(describeProvenance(stream.provenance));
  }
}

function cut(rows: number, { which = 'first', narrowBy }: PrintOptions): string {
  const shown = rows === 1 ? `the ${which} row` : `the ${which} ${printCount(rows)} rows`;
  return `${shown}; there are more (${narrowBy})`;
}

async function* limited(stream: RowStream, limit: number, count: { rows: number; hasMore: boolean }) {
  for await (const batch of stream.batches) {
    const left = limit - count.rows;
    count.hasMore = batch.length > left;
    const taken = count.hasMore ? batch.slice(0, left) : batch;
    count.rows += taken.length;
    yield taken;
    if (count.hasMore) return;
  }
}

async function writeNdjson({ stdout, signal }: CliContext, batches: AsyncIterable<readonly JsonRow[]>): Promise<void> {
  let text = '';
  for await (const batch of batches) {
    for (const row of batch) {
      text += `${JSON.stringify(row)}\n`;
      if (text.length < WRITE_CHARS) continue;
      signal.throwIfAborted();
      await stdout.write(text);
      text = '';
    }
  }
  if (text !== '') await stdout.write(text);
}

async function writeTable(
  { stdout, signal }: CliContext,
  batches: AsyncIterable<readonly JsonRow[]>,
  { shape = (row) => row }: PrintOptions,
): Promise<void> {
  const { RowTable } = await import('./row-table.ts');
  const table = new RowTable(stdout);
  for await (const batch of batches) {
    signal.throwIfAborted();
    await table.add(batch.map(shape));
  }
  await table.end();
}
