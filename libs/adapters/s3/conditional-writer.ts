import { createHash } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { PortError, type Scheduler } from '@k2/ports';
import { SHA256_METADATA, type ObjectReader } from './object-reader.ts';
import { FailedRequest, alreadyExists, statusOf } from './s3-error.ts';
import type { S3Requests } from './s3-requests.ts';

/** What tells one content from another. */
export interface ContentIdentity {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** A write found the key taken before it was sent. */
export class KeyTaken extends Error {}

const ATTEMPTS_MAX = 5;
const PAUSE_MS = 50;

/**
 * Conditional writes, each until its outcome is known. The SDK repeats a request whose answer was lost, and the
 * repetition is then refused because of the first: so no refusal is taken for a conflict, and no failure for a failure,
 * before the object has been compared with what was to be written.
 */
export class ConditionalWriter {
  private readonly requests: S3Requests;
  private readonly reader: ObjectReader;
  private readonly scheduler: Scheduler;

  constructor(requests: S3Requests, reader: ObjectReader, scheduler: Scheduler) {
    this.requests = requests;
    this.reader = reader;
    this.scheduler = scheduler;
  }

  /** `send` writes if the key is absent. Throws `already-exists`, or what `send` threw last. */
  async write(key: string, fullKey: string, content: ContentIdentity, send: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send();
      } catch (error) {
        if (error instanceof FailedRequest && error.isRefusal) throw error;
        const found = await this.compare(fullKey, content).catch(() => 'unknown' as const);
        if (found === 'equal') return;
        if (found === 'other') throw alreadyExists(key);
        // Absent in spite of "exists" (412, deleted since) or "another writer is at it" (409): worth another attempt.
        const isContended = error instanceof KeyTaken || [409, 412].includes(statusOf(error) ?? 0);
        if (!isContended) throw error;
        if (found === 'unknown' || attempt >= ATTEMPTS_MAX) throw unsettled(key, error);
      }
      await this.scheduler.sleep(PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  /** What lies under the key, held against the content. */
  async compare(fullKey: string, content: ContentIdentity): Promise<'absent' | 'equal' | 'other'> {
    const found = await this.head(fullKey);
    if (found === null) return 'absent';
    if (found.sizeBytes !== content.sizeBytes) return 'other';
    const sha256 = found.sha256 ?? (await this.readBack(fullKey));
    return sha256 === content.sha256 ? 'equal' : 'other';
  }

  /** Null: there is no such object. `sha256` null: K2 did not write it. */
  async head(fullKey: string): Promise<{ readonly sizeBytes: number; readonly sha256: string | null } | null> {
    try {
      const { ContentLength, Metadata } = await this.requests.run('HeadObject', (client) =>
        client.send(new HeadObjectCommand({ Bucket: this.requests.bucket, Key: fullKey })),
      );
      return { sizeBytes: ContentLength ?? 0, sha256: Metadata?.[SHA256_METADATA] ?? null };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  private readBack(fullKey: string): Promise<string> {
    return this.reader.read(fullKey, undefined, async ({ chunks, hash }) => {
      for await (const _ of chunks) continue;
      return hash!.digest('hex');
    });
  }
}

function unsettled(key: string, cause: unknown): PortError {
  const message = `${key} is contended, and what lies under it could not be told: put it again`;
  return new PortError('unavailable', message, { key }, { retryable: true, cause });
}

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
