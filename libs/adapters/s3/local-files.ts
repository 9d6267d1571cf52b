import { createHash } from 'node:crypto';
import { copyFile, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { PortError } from '@k2/ports';

const CHUNK_BYTES = 1 << 20;

/** What a file, or a part of one, is. */
export interface FileIdentity {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Of an open file, read from its start. */
export async function fileIdentity(file: FileHandle): Promise<FileIdentity> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return { sizeBytes: at, sha256: hash.digest('hex') };
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}

export interface FilePart {
  readonly bytes: Uint8Array;
  /** In hex. */
  readonly sha256: string;
  /** As S3 writes it: base64 of four bytes, the highest first. */
  readonly crc32: string;
}

/** A part of an open file with its checksums, which are made on the way: at once they would hold up the event loop. */
export async function filePart(file: FileHandle, start: number, length: number): Promise<FilePart> {
  const bytes = new Uint8Array(length);
  const hash = createHash('sha256');
  let crc = 0;
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(CHUNK_BYTES, length - filled), start + filled);
    if (bytesRead === 0) throw new Error(`the file ended at byte ${start + filled} while it was read`);
    const chunk = bytes.subarray(filled, filled + bytesRead);
    hash.update(chunk);
    crc = crc32(chunk, crc);
    filled += bytesRead;
  }
  const crcBytes = Buffer.alloc(4);
  crcBytes.writeUInt32BE(crc);
  return { bytes, sha256: hash.digest('hex'), crc32: crcBytes.toString('base64') };
}

export async function withFile<Result>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await onDisk(path, () => open(path, flags));
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Across file systems too, where it is a copy. */
export async function moveFile(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(source, target);
    await rm(source, { force: true });
  }
}

/** Runs what touches only the local disk: its errors come out as PortError. */
export async function onDisk<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw localProblem(path, error);
  }
}

export function localProblem(path: string, cause: unknown): PortError<'unavailable'> {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const message = `${path}: ${(cause as Error).message}; check the local disk and its permissions`;
  return new PortError('unavailable', message, { path, code }, { retryable: true, cause });
}
