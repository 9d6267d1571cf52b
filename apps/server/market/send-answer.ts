import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import type { AnswerBatches, AnswerBatch, AskOptions, Scheduler, Telemetry } from '@k2/ports';
import { AnswerFiles } from '../encode/answer-files.ts';
import { encodeArrow } from '../encode/arrow.ts';
import { encodeCsv } from '../encode/csv.ts';
import { CONTENT_TYPES, type Format } from '../encode/formats.ts';
import { JSON_BYTES_MAX, jsonTooLarge } from '../encode/json.ts';
import { encodeNdjson } from '../encode/ndjson.ts';
import { batchBytes } from '../encode/row-chunks.ts';
import { HeldBytes } from '../http/held-bytes.ts';
import { ProblemError } from '../http/problem.ts';
import type { RequestScope } from '../http/request-scope.ts';

export type StreamFormat = Exclude<Format, 'json' | 'parquet'>;

type Encoder = (answer: AnswerBatches, decimalPrecision?: number) => AsyncGenerator<string | Uint8Array>;

const ENCODERS: Readonly<Record<StreamFormat, Encoder>> = {
  ndjson: encodeNdjson,
  csv: encodeCsv,
  arrow: encodeArrow,
};

export interface StreamedAnswer {
  readonly answer: AnswerBatches & Partial<AsyncDisposable>;
  readonly format: StreamFormat;
  readonly rowLimit: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Digits of the decimals, where the format says so; else as many as there can be. */
  readonly decimalPrecision?: number;
}

export interface ParquetAnswer<Result> {
  readonly write: (path: string, options: AskOptions) => Promise<Result>;
  readonly rowLimit: number;
  readonly headers?: (result: Result) => Readonly<Record<string, string>>;
}

/** Bytes handed to a connection at once: whether a slow reader reads at all is seen by these. */
const SLICE_BYTES = 65_536;
/** Slices ahead of a slow reader; then the engine is not pulled. */
const SLICES_AHEAD = 2;
/** JSON answers that wait to be read. */
const JSON_HELD = { countMax: 1_024, bytesMax: 8 * JSON_BYTES_MAX } as const;

/** Sends answers in every format; what waits for its reader is bounded. */
export class AnswerSender {
  private readonly telemetry: Telemetry;
  private readonly files: AnswerFiles | null;
  private readonly held = new HeldBytes('JSON answers', JSON_HELD);

  /** Without a scratch directory, no Parquet. */
  constructor(
    { telemetry, scheduler }: { readonly telemetry: Telemetry; readonly scheduler: Scheduler },
    scratchDirectory: string | null,
  ) {
    this.telemetry = telemetry;
    this.files = scratchDirectory === null ? null : new AnswerFiles(scratchDirectory, scheduler);
  }

  /** JSON text as the whole answer. Throws `overloaded` when too much of that is unread. */
  json(reply: FastifyReply, text: string): void {
    if (isGone(reply)) return;
    const bytes = Buffer.from(text);
    void reply.type(CONTENT_TYPES.json);
    if (bytes.length <= SLICE_BYTES) {
      void reply.send(bytes);
      return;
    }
    const held = this.held.hold(bytes.length);
    reply.raw.once('close', () => held.release());
    const slices = Readable.from(slicesOf(bytes), { objectMode: true, highWaterMark: SLICES_AHEAD });
    void reply.header('content-length', bytes.length).send(slices);
  }

  /**
   * Sends an answer as it comes. What fails before the first chunk is still a problem; what fails later breaks the
   * transfer off, so that a part never passes for the whole.
   */
  async stream(
    reply: FastifyReply,
    scope: RequestScope,
    { answer, format, rowLimit, headers = {}, decimalPrecision }: StreamedAnswer,
  ): Promise<void> {
    const chunks = ENCODERS[format](answer, decimalPrecision);
    // Also of an answer that nobody comes to read.
    const dispose = () => void Promise.resolve(answer[Symbol.asyncDispose]?.()).catch(() => undefined);
    const first = await scope.within(chunks.next()).catch((error: unknown) => {
      dispose();
      throw error;
    });
    if (isGone(reply)) return dispose();
    const source = Readable.from(this.resumed(first, chunks), { objectMode: true, highWaterMark: SLICES_AHEAD });
    source.once('close', dispose);
    void reply
      .headers({ ...headers, 'k2-row-limit': String(rowLimit) })
      .type(CONTENT_TYPES[format])
      .send(source);
  }

  /** Has the engine write a file and sends it. */
  async parquet<Result>(
    reply: FastifyReply,
    scope: RequestScope,
    { write, rowLimit, headers = () => ({}) }: ParquetAnswer<Result>,
  ): Promise<void> {
    if (this.files === null) {
      throw new ProblemError('conflict', 'this server keeps nothing on disk (--storage memory), which Parquet needs');
    }
    const file = await scope.within(this.files.write(write, scope.options), (late) => late.discard());
    if (isGone(reply)) return file.discard();
    void reply
      .headers({ ...headers(file.result), 'k2-row-limit': String(rowLimit), 'content-length': String(file.sizeBytes) })
      .type(CONTENT_TYPES.parquet)
      .send(file.stream());
  }

  private async *resumed<Chunk extends string | Uint8Array>(
    first: IteratorResult<Chunk, void>,
    rest: AsyncGenerator<Chunk>,
  ): AsyncGenerator<Uint8Array> {
    try {
      if (first.done !== true) yield* slicesOf(first.value);
      for await (const chunk of rest) yield* slicesOf(chunk);
    } catch (error) {
      this.telemetry.log('warn', 'an answer broke off after its head was sent', { error });
      throw error;
    } finally {
      await rest.return(undefined);
    }
  }
}

/** The caller left while the answer was made: nothing will be read from it, nor closed. */
function isGone({ raw }: FastifyReply): boolean {
  return raw.destroyed;
}

function* slicesOf(chunk: string | Uint8Array): Generator<Uint8Array> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

/** All batches of an answer that becomes JSON. Throws `answer-too-large`. */
export async function collectBatches(answer: AnswerBatches): Promise<readonly AnswerBatch[]> {
  const batches: AnswerBatch[] = [];
  let bytes = 0;
  for await (const batch of answer.batches) {
    bytes += batchBytes(batch);
    if (bytes > JSON_BYTES_MAX) throw jsonTooLarge();
    batches.push(batch);
  }
  return batches;
}

export function rowCountOf(batches: readonly AnswerBatch[]): number {
  return batches.reduce((sum, { rowCount }) => sum + rowCount, 0);
}
