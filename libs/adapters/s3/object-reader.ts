import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Scheduler } from '@k2/ports';
import { BrokenBody } from './s3-error.ts';
import type { S3Requests } from './s3-requests.ts';

/** Metadata of the objects that K2 puts: SHA-256 of the content, in hex. Checksums of S3's own cover parts of large ones. */
export const SHA256_METADATA = 'k2-sha256';

const RETRY_PAUSE_MS = 100;

export interface ObjectBody {
  readonly sizeBytes: number;
  /** As S3 says it: `bytes 3-6/10`; null for a whole object. */
  readonly contentRange: string | null;
  /** Fed with the content as it is read; null for a range. */
  readonly hash: Hash | null;
  /** Ends whole and as its checksum says, or throws. To be read once, to the end. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Reads objects. A body that breaks off is asked for again from its start, and never given back short. */
export class ObjectReader {
  private readonly requests: S3Requests;
  private readonly scheduler: Scheduler;
  private readonly attemptsMax: number;

  constructor(requests: S3Requests, scheduler: Scheduler, attemptsMax: number) {
    this.requests = requests;
    this.scheduler = scheduler;
    this.attemptsMax = attemptsMax;
  }

  /**
   * `consume` starts anew where it is called again. `range` is of HTTP's form: `bytes=3-6`. Rejects with the signal's
   * reason once that has aborted, and the request has ended.
   */
  async read<Result>(
    fullKey: string,
    range: string | undefined,
    consume: (body: ObjectBody) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.requests.run('GetObject', async (client) => {
          const Range = range === undefined ? {} : { Range: range };
          const command = new GetObjectCommand({ Bucket: this.requests.bucket, Key: fullKey, ...Range });
          signal?.throwIfAborted();
          const output = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
          const stream = output.Body as Readable | undefined;
          const onAbort = () => stream?.destroy(new Error('nobody waits for it any longer'));
          signal?.addEventListener('abort', onAbort, { once: true });
          try {
            return await consume(this.body(output, range));
          } finally {
            signal?.removeEventListener('abort', onAbort);
            // A body that is not read to its end would keep its connection.
            stream?.destroy();
          }
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof BrokenBody) || attempt >= this.attemptsMax) throw error;
        await this.scheduler.sleep(RETRY_PAUSE_MS * 2 ** (attempt - 1), signal);
      }
    }
  }

  private body(output: GetObjectCommandOutput, range: string | undefined): ObjectBody {
    const { ContentLength, ContentRange, Metadata } = output;
    if (ContentLength === undefined) {
      throw new BrokenBody('the answer does not say its length', { isDamaged: false });
    }
    const hash = range === undefined ? createHash('sha256') : null;
    const sha256 = hash === null ? undefined : Metadata?.[SHA256_METADATA];
    return {
      sizeBytes: ContentLength,
      contentRange: ContentRange ?? null,
      hash,
      chunks: this.chunks(output, ContentLength, hash, sha256),
    };
  }

  private async *chunks(
    output: GetObjectCommandOutput,
    sizeBytes: number,
    hash: Hash | null,
    sha256: string | undefined,
  ): AsyncGenerator<Uint8Array> {
    let received = 0;
    try {
      for await (const chunk of (output.Body ?? []) as AsyncIterable<Uint8Array>) {
        received += chunk.byteLength;
        this.requests.countBytes('down', chunk.byteLength);
        hash?.update(chunk);
        yield chunk;
      }
    } catch (cause) {
      // The SDK's own check of a checksum is told from a cut connection by its text alone.
      const isDamaged = cause instanceof Error && cause.message.startsWith('Checksum mismatch');
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new BrokenBody(`broke off at byte ${received} of ${sizeBytes}: ${why}`, { isDamaged, cause });
    }
    if (received !== sizeBytes) {
      throw new BrokenBody(`ended at byte ${received} of ${sizeBytes}`, { isDamaged: false });
    }
    if (sha256 !== undefined && hash?.copy().digest('hex') !== sha256) {
      throw new BrokenBody('the content is not what was put: its SHA-256 differs', { isDamaged: true });
    }
  }
}

/** The whole body in memory. */
export async function collected({ sizeBytes, chunks }: ObjectBody): Promise<Uint8Array> {
  const content = new Uint8Array(sizeBytes);
  let at = 0;
  for await (const chunk of chunks) {
    content.set(chunk, at);
    at += chunk.byteLength;
  }
  return content;
}
