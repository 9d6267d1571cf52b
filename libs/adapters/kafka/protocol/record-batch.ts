import { crc32c } from '@node-rs/crc32';
import type { Compression } from '@k2/domain/wire';
import { CODECS } from './compression.ts';

/** Where the fields of a record batch of format 2 are (kafka.apache.org/documentation/#recordbatch). */
export const BATCH = {
  baseOffset: 0,
  length: 8,
  /** The length counts from here. */
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  /** The checksum covers everything from here. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const;

export const BATCH_MAGIC = 2;
const LOG_APPEND_TIME = 8;
const TRANSACTIONAL = 16;
const CONTROL = 32;

/** The head of a record batch as a broker sent it. */
export interface RecordBatch {
  readonly baseOffset: number;
  /** Of what follows the batch; offsets between that are no record of it are accounted for. */
  readonly nextOffset: number;
  readonly isControl: boolean;
  readonly isTransactional: boolean;
  readonly producerId: bigint;
  readonly recordCount: number;
  /** Null if the codec is none that Kafka defines. */
  readonly compression: Compression | null;
  /** When the broker took it, ms; null if its records have times of their own, counted from `baseTimestampMs`. */
  readonly appendedMs: number | null;
  readonly baseTimestampMs: number;
  /** The whole batch, a view. */
  readonly bytes: Buffer;
}

/** The batches of a fetch, without the one that is cut off at its end. Throws RangeError on a format other than 2. */
export function recordBatches(fetched: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + BATCH.records <= fetched.length;) {
    const end = at + BATCH.leaderEpoch + fetched.readInt32BE(at + BATCH.length);
    if (end > fetched.length) break;
    batches.push(headOf(fetched.subarray(at, end)));
    at = end;
  }
  return batches;
}

function headOf(bytes: Buffer): RecordBatch {
  const magic = bytes.readInt8(BATCH.magic);
  if (magic !== BATCH_MAGIC) throw new RangeError(`a record batch has format ${magic}: expected ${BATCH_MAGIC}`);
  const attributes = bytes.readInt16BE(BATCH.attributes);
  const baseOffset = Number(bytes.readBigInt64BE(BATCH.baseOffset));
  return {
    baseOffset,
    nextOffset: baseOffset + bytes.readInt32BE(BATCH.lastOffsetDelta) + 1,
    isControl: (attributes & CONTROL) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    producerId: bytes.readBigInt64BE(BATCH.producerId),
    recordCount: bytes.readInt32BE(BATCH.recordCount),
    compression: CODECS[attributes & 7] ?? null,
    appendedMs: attributes & LOG_APPEND_TIME ? Number(bytes.readBigInt64BE(BATCH.maxTimestamp)) : null,
    baseTimestampMs: Number(bytes.readBigInt64BE(BATCH.baseTimestamp)),
    bytes,
  };
}

/** Whether the bytes are those that the producer made. */
export function isIntact({ bytes }: RecordBatch): boolean {
  return bytes.readUInt32BE(BATCH.crc) === crc32c(bytes.subarray(BATCH.attributes));
}

/** What follows the head, as it was compressed. */
export function recordsOf({ bytes }: RecordBatch): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + BATCH.records, bytes.length - BATCH.records);
}

/** Goes through the records of a batch, uncompressed, without an object for each. */
export class RecordCursor {
  readonly bytes: Uint8Array;
  offsetDelta = 0;
  timestampDelta = 0;
  /** -1 if the value is null. */
  valueStart = 0;
  valueEnd = 0;
  private at: number;
  private left: number;

  constructor(bytes: Uint8Array, recordCount: number, start = 0) {
    this.bytes = bytes;
    this.left = recordCount;
    this.at = start;
  }

  /** Moves to the next record; false at the end. Throws RangeError if the records are not what their lengths say. */
  next(): boolean {
    if (this.left === 0) return false;
    this.left--;
    const length = this.varint();
    const end = this.at + length;
    if (length < 0 || end > this.bytes.length) throw new RangeError(`a record of the batch has ${length} bytes`);
    this.at++;
    this.timestampDelta = this.varint();
    this.offsetDelta = this.varint();
    const keyLength = this.varint();
    this.at += Math.max(0, keyLength);
    const valueLength = this.varint();
    this.valueStart = valueLength < 0 ? -1 : this.at;
    this.valueEnd = valueLength < 0 ? -1 : this.at + valueLength;
    if (this.at > end || this.valueEnd > end) throw new RangeError('a record of the batch is longer than it says');
    // Headers follow, which mean nothing here.
    this.at = end;
    return true;
  }

  /** Zig-zag; exact to 2^53, which lengths and differences of ms are far below. */
  private varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      if (this.at >= bytes.length) throw new RangeError('a record of the batch is cut short');
      byte = bytes[this.at++];
      value += (byte & 127) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
