import { BATCH, BATCH_MAGIC } from './record-batch.ts';
import { crc32c } from '@node-rs/crc32';
import type { Compression } from '@k2/domain/wire';
import { CODECS } from './compression.ts';

/** Room for the lengths of a record, beside its key and value. */
const RECORD_OVERHEAD_BYTES = 32;

/** The records of a batch, in the order they are added, with room for its head in front. */
export class RecordsWriter {
  recordCount = 0;
  private bytes: Buffer;
  private used: number = BATCH.records;

  constructor(contentBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(BATCH.records + contentBytes);
  }

  get content(): Uint8Array {
    return this.bytes.subarray(BATCH.records, this.used);
  }

  /** The batch as it is sent, with the content as it was compressed; the writer must not be used afterwards. */
  finish(compression: Compression, compressed: Uint8Array, head: BatchHead): Uint8Array {
    const { recordCount } = this;
    if (compression === 'none')
      return withHead(this.bytes.subarray(0, this.used), { ...head, compression, recordCount });
    const bytes = Buffer.allocUnsafeSlow(BATCH.records + compressed.length);
    bytes.set(compressed, BATCH.records);
    return withHead(bytes, { ...head, compression, recordCount });
  }

  /** A record with the value `source[start .. end)`. */
  add(key: Uint8Array | null, source: Uint8Array, start: number, end: number): void {
    const keyBytes = key === null ? 0 : key.length;
    const valueBytes = end - start;
    this.reserve(RECORD_OVERHEAD_BYTES + keyBytes + valueBytes);
    const offsetDelta = this.recordCount++;
    // Attributes, time difference and count of headers are one byte each, all zero.
    const length =
      3 +
      varintSize(offsetDelta) +
      varintSize(key === null ? -1 : keyBytes) +
      keyBytes +
      varintSize(valueBytes) +
      valueBytes;
    this.varint(length);
    this.bytes[this.used++] = 0;
    this.bytes[this.used++] = 0;
    this.varint(offsetDelta);
    this.varint(key === null ? -1 : keyBytes);
    if (key !== null) this.copy(key, 0, keyBytes);
    this.varint(valueBytes);
    this.copy(source, start, end);
    this.bytes[this.used++] = 0;
  }

  private copy(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let to = this.used;
    // A loop is faster than a view and a call for what a tick has.
    if (end - start <= 256) for (let from = start; from < end; from++) bytes[to++] = source[from];
    else bytes.set(source.subarray(start, end), to);
    this.used += end - start;
  }

  private varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    for (; rest > 127; rest >>>= 7) this.bytes[this.used++] = (rest & 127) | 128;
    this.bytes[this.used++] = rest;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.used + count));
    this.bytes.copy(grown, 0, 0, this.used);
    this.bytes = grown;
  }
}

function varintSize(value: number): number {
  const zigZag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigZag < 0x80 ? 1 : zigZag < 0x4000 ? 2 : zigZag < 0x200000 ? 3 : zigZag < 0x10000000 ? 4 : 5;
}

export interface BatchHead {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of the first record; counts up by record within a partition. */
  readonly baseSequence: number;
  /** The broker puts its own where the topic's times are those of the log. */
  readonly timestampMs: number;
}

function withHead(
  bytes: Buffer,
  head: BatchHead & { readonly compression: Compression; readonly recordCount: number },
): Uint8Array {
  const { producerId, producerEpoch, baseSequence, timestampMs, compression, recordCount } = head;
  bytes.writeBigInt64BE(0n, BATCH.baseOffset);
  bytes.writeInt32BE(bytes.length - BATCH.leaderEpoch, BATCH.length);
  bytes.writeInt32BE(-1, BATCH.leaderEpoch);
  bytes.writeInt8(BATCH_MAGIC, BATCH.magic);
  bytes.writeInt16BE(CODECS.indexOf(compression), BATCH.attributes);
  bytes.writeInt32BE(recordCount - 1, BATCH.lastOffsetDelta);
  bytes.writeBigInt64BE(BigInt(timestampMs), BATCH.baseTimestamp);
  bytes.writeBigInt64BE(BigInt(timestampMs), BATCH.maxTimestamp);
  bytes.writeBigInt64BE(producerId, BATCH.producerId);
  bytes.writeInt16BE(producerEpoch, BATCH.producerEpoch);
  bytes.writeInt32BE(baseSequence, BATCH.baseSequence);
  bytes.writeInt32BE(recordCount, BATCH.recordCount);
  bytes.writeUInt32BE(crc32c(bytes.subarray(BATCH.attributes)), BATCH.crc);
  return bytes;
}
