import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import type { Telemetry } from '@k2/ports';
import { KeyTaken, type ConditionalWriter, type ContentIdentity } from './conditional-writer.ts';
import type { FilePart } from './local-files.ts';
import { SHA256_METADATA } from './object-reader.ts';
import { FailedRequest, statusOf } from './s3-error.ts';
import { signedWith, type S3Requests } from './s3-requests.ts';
import type { Semaphore } from './semaphore.ts';

/** S3's own bound. */
const PARTS_MAX = 10_000;
/** Of one file; the memory they share with other files bounds them too. */
const PARTS_AT_A_TIME = 8;

export type ReadPart = (start: number, length: number) => Promise<FilePart>;

export interface MultipartParts {
  readonly requests: S3Requests;
  readonly writer: ConditionalWriter;
  /** Bounds the bytes of parts in memory, over all uploads. */
  readonly memory: Semaphore;
  readonly telemetry: Telemetry;
}

/**
 * Uploads of large files in parts. The object appears at the completion, which is conditional; one that fails before is
 * aborted, so that no parts are left. Not every server takes a condition on the completion, and one that passes over it
 * in silence cannot be told: therefore the key is looked up just before. Where both fail, two writers of one key within
 * that moment overwrite each other; K2's large files have keys that no other writer makes.
 */
export class MultipartUploads {
  private readonly parts: MultipartParts;
  private readonly partBytes: number;
  private isConditional = true;

  constructor(parts: MultipartParts, partBytes: number) {
    this.parts = parts;
    this.partBytes = partBytes;
  }

  /** Throws FailedRequest, KeyTaken, and what `read` throws. */
  async put(fullKey: string, read: ReadPart, content: ContentIdentity): Promise<void> {
    const { requests, writer } = this.parts;
    const target = { Bucket: requests.bucket, Key: fullKey };
    const { UploadId } = await requests.run('CreateMultipartUpload', (client) => {
      const Metadata = { [SHA256_METADATA]: content.sha256 };
      return client.send(new CreateMultipartUploadCommand({ ...target, Metadata, ChecksumAlgorithm: 'CRC32' }));
    });
    const upload = { ...target, UploadId: UploadId! };
    try {
      const parts = await this.sendParts(upload, read, content.sizeBytes);
      if ((await writer.head(fullKey)) !== null) throw new KeyTaken(fullKey);
      await this.complete(upload, parts);
    } catch (error) {
      await this.abort(upload);
      throw error;
    }
  }

  /** Aborts uploads under the prefix that began before `beforeMs`: their processes died. */
  async abortAbandoned(fullPrefix: string, beforeMs: number): Promise<void> {
    const { requests } = this.parts;
    const { Uploads = [] } = await requests.run('ListMultipartUploads', (client) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: requests.bucket, Prefix: fullPrefix })),
    );
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (Initiated === undefined || Initiated.getTime() >= beforeMs) continue;
      await this.abort({ Bucket: requests.bucket, Key: Key!, UploadId: UploadId! });
    }
  }

  private async sendParts(upload: Upload, read: ReadPart, sizeBytes: number): Promise<CompletedPart[]> {
    const partBytes = Math.max(this.partBytes, Math.ceil(sizeBytes / PARTS_MAX));
    const parts = Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, i) => ({
      number: i + 1,
      start: i * partBytes,
      length: Math.min(partBytes, sizeBytes - i * partBytes),
    }));
    const sent = new Array<CompletedPart>(parts.length);
    const failure = new AbortController();
    const waiting = parts.values();
    const worker = async () => {
      for (const part of waiting) {
        failure.signal.throwIfAborted();
        const send = () => this.sendPart(upload, read, part, failure.signal);
        sent[part.number - 1] = await this.parts.memory.use(part.length, send);
      }
    };
    // All must have ended before the upload can be aborted: a part that lands after that stays.
    const workers = Array.from({ length: Math.min(parts.length, PARTS_AT_A_TIME) }, () =>
      worker().catch((error: unknown) => failure.abort(error)),
    );
    await Promise.all(workers);
    failure.signal.throwIfAborted();
    return sent;
  }

  private async sendPart(
    upload: Upload,
    read: ReadPart,
    { number, start, length }: { readonly number: number; readonly start: number; readonly length: number },
    signal: AbortSignal,
  ): Promise<CompletedPart> {
    const { requests } = this.parts;
    signal.throwIfAborted();
    const { bytes, sha256, crc32 } = await read(start, length);
    const { ETag } = await requests.run('UploadPart', (client) => {
      const part = { PartNumber: number, Body: bytes, ContentLength: length, ChecksumCRC32: crc32 };
      const command = new UploadPartCommand({ ...upload, ...part });
      command.middlewareStack.add(signedWith(sha256), { step: 'build' });
      return client.send(command, { abortSignal: signal });
    });
    requests.countBytes('up', length);
    return { PartNumber: number, ETag, ChecksumCRC32: crc32 };
  }

  private async complete(upload: Upload, Parts: CompletedPart[]): Promise<void> {
    const { requests, telemetry } = this.parts;
    const send = (condition: { readonly IfNoneMatch?: '*' }) =>
      requests.run('CompleteMultipartUpload', (client) =>
        client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...condition })),
      );
    if (!this.isConditional) return void (await send({}));
    try {
      await send({ IfNoneMatch: '*' });
    } catch (error) {
      if (statusOf(error) !== 501) throw error;
      this.isConditional = false;
      telemetry.log('warn', 'the S3 server takes no condition when an upload in parts is completed', {
        bucket: requests.bucket,
        consequence: 'two writers of one large object at the same moment would overwrite each other',
      });
      await send({});
    }
  }

  /** Never throws: the failure before it is what the caller must hear of. */
  private async abort(upload: Upload): Promise<void> {
    const { requests, telemetry } = this.parts;
    try {
      await requests.run('AbortMultipartUpload', (client) => client.send(new AbortMultipartUploadCommand(upload)));
    } catch (error) {
      if (error instanceof FailedRequest && error.code === 'NoSuchUpload') return;
      telemetry.log('warn', 'parts of a failed upload are left in the bucket; they are removed at a later start', {
        bucket: upload.Bucket,
        key: upload.Key,
        uploadId: upload.UploadId,
        error,
      });
    }
  }
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}
