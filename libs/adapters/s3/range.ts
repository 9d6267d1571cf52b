import { PortError } from '@k2/ports';

export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** The `Range` header for it; it takes at least one byte. */
export function rangeHeader({ start, length }: ByteRange): string {
  return `bytes=${start}-${start + length - 1}`;
}

/** Throws `out-of-range` unless the object has those bytes. */
export function assertInside(key: string, { start, length }: ByteRange, sizeBytes: number | null): void {
  const isInside = start >= 0 && length >= 0 && (sizeBytes === null || start + length <= sizeBytes);
  if (!isInside) throw outOfRange(key, { start, length }, sizeBytes);
}

/** `sizeBytes` null: not told. */
export function outOfRange(key: string, range: ByteRange, sizeBytes: number | null): PortError<'out-of-range'> {
  const has = sizeBytes === null ? 'is not so long' : `has ${sizeBytes} bytes`;
  const message = `${key} ${has}: there are no ${range.length} bytes from ${range.start} on`;
  const size = sizeBytes === null ? {} : { sizeBytes };
  return new PortError('out-of-range', message, { key, ...range, ...size });
}

/** From `bytes 3-6/10`, the answer to a ranged request. */
export function parseContentRange(text: string): { readonly start: number; readonly totalBytes: number } | null {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(text);
  return match === null ? null : { start: Number(match[1]), totalBytes: Number(match[2]) };
}
