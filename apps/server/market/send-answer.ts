import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import type { Answer, AnswerBatch, Telemetry } from '@k2/ports';
import { encodeArrow } from '../encode/arrow.ts';
import { encodeCsv } from '../encode/csv.ts';
import { CONTENT_TYPES, type Format } from '../encode/formats.ts';
import { encodeNdjson } from '../encode/ndjson.ts';
import type { RequestScope } from '../http/request-scope.ts';

export type StreamFormat = Exclude<Format, 'json' | 'parquet'>;

type Encoder = (answer: Answer, decimalPrecision?: number) => AsyncGenerator<string | Uint8Array>;

const ENCODERS: Readonly<Record<StreamFormat, Encoder>> = {
  ndjson: encodeNdjson,
  csv: encodeCsv,
  arrow: encodeArrow,
};

export interface StreamedAnswer {
  readonly answer: Answer;
  readonly format: StreamFormat;
  readonly rowLimit: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Digits of the decimals, where the format says so; else as many as there can be. */
  readonly decimalPrecision?: number;
}

/** Chunks encoded ahead of a slow reader; then the engine is not pulled. */
const CHUNKS_AHEAD = 2;

/**
 * Sends an answer as it comes. What fails before the first chunk is still a problem; what fails later breaks the
 * transfer off, so that a part never passes for the whole.
 */
export async function sendStream(
  reply: FastifyReply,
  scope: RequestScope,
  telemetry: Telemetry,
  { answer, format, rowLimit, headers = {}, decimalPrecision }: StreamedAnswer,
): Promise<void> {
  const chunks = ENCODERS[format](answer, decimalPrecision);
  const first = await scope.within(chunks.next());
  const source = Readable.from(resumed(first, chunks, telemetry), { objectMode: true, highWaterMark: CHUNKS_AHEAD });
  void reply
    .headers({ ...headers, 'k2-row-limit': String(rowLimit) })
    .type(CONTENT_TYPES[format])
    .send(source);
}

async function* resumed<Chunk>(
  first: IteratorResult<Chunk, void>,
  rest: AsyncGenerator<Chunk>,
  telemetry: Telemetry,
): AsyncGenerator<Chunk> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } catch (error) {
    telemetry.log('warn', 'an answer broke off after its head was sent', { error });
    throw error;
  } finally {
    await rest.return(undefined);
  }
}

/** All batches of an answer that is bounded by its limit. */
export async function collectBatches(answer: Answer): Promise<readonly AnswerBatch[]> {
  const batches: AnswerBatch[] = [];
  for await (const batch of answer.batches) batches.push(batch);
  return batches;
}

export function rowCountOf(batches: readonly AnswerBatch[]): number {
  return batches.reduce((sum, { rowCount }) => sum + rowCount, 0);
}

/** JSON text as the whole answer. */
export function sendJson(reply: FastifyReply, text: string): void {
  // As bytes: of a text, the length would be counted first and the bytes made afterwards.
  void reply.type(CONTENT_TYPES.json).send(Buffer.from(text));
}
