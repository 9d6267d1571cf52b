import { CodecError, type AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';

/** 10^18 - 1 and its negative as halves of an int64: the largest decimal(18,8). */
const HIGHEST = { high: 0x0de0b6b3, low: 0xa763ffff };
const LOWEST = { high: ~0x0de0b6b3, low: 0x589c0001 };

/**
 * Element `row` of a decimal column, given by its int64 words, as Avro's `bytes` of logical type decimal: big-endian two's
 * complement, no byte longer than needed.
 */
export function writeDecimal(out: AvroWriter, words: Int32Array, row: number): void {
  const low = words[2 * row];
  const high = words[2 * row + 1];
  if (high === low >> 31) {
    const length = byteLength(low);
    out.long(length);
    out.bigEndian(low, length);
  } else {
    const length = byteLength(high);
    out.long(length + 4);
    out.bigEndian(high, length);
    out.bigEndian(low, 4);
  }
}

/** Bytes of a 32-bit number in two's complement. */
function byteLength(value: number): number {
  const magnitude = value ^ (value >> 31);
  if (magnitude < 0x80) return 1;
  if (magnitude < 0x8000) return 2;
  return magnitude < 0x80_0000 ? 3 : 4;
}

/**
 * The inverse of `writeDecimal`, of a reader that was reset. Takes bytes longer than needed too; throws CodecError beyond
 * 18 digits.
 */
export function readDecimal(input: AvroReader, words: Int32Array, row: number): void {
  const start = input.at;
  const length = input.length();
  const { at, base, view } = input;
  if (length === 0) throw new CodecError(`the decimal ${input.place(start)} has no bytes`);
  let low: number;
  let high: number;
  if (length <= 4 && input.end - at >= 4) {
    low = view.getInt32(base + at) >> (32 - 8 * length);
    high = low >> 31;
  } else if (length > 4 && length <= 8) {
    high = view.getInt32(base + at) >> (64 - 8 * length);
    low = view.getInt32(base + at + length - 4);
  } else {
    [high, low] = halvesOfBytes(input, length, start);
  }
  if (isBeyond(high, low >>> 0)) throw tooManyDigits(input, start);
  input.at = at + length;
  words[2 * row] = low;
  words[2 * row + 1] = high;
}

/** Byte by byte: at the end of a message, or with more bytes than an int64 has, which may only repeat the sign. */
function halvesOfBytes(input: AvroReader, length: number, start: number): [number, number] {
  const { bytes, at } = input;
  const sign = (bytes[at] << 24) >> 31;
  let next = at;
  for (const lowest = at + length - 8; next < lowest; next++) {
    if (bytes[next] !== (sign & 255)) throw tooManyDigits(input, start);
  }
  let high = sign;
  for (const lowest = at + length - 4; next < lowest; next++) high = (high << 8) | bytes[next];
  let low = sign;
  for (const behind = at + length; next < behind; next++) low = (low << 8) | bytes[next];
  if (high >> 31 !== sign) throw tooManyDigits(input, start);
  return [high, low];
}

function tooManyDigits(input: AvroReader, start: number): CodecError {
  return new CodecError(`the decimal ${input.place(start)} has more than 18 digits`);
}

function isBeyond(high: number, low: number): boolean {
  if (high >= HIGHEST.high) return high > HIGHEST.high || low > HIGHEST.low;
  return high <= LOWEST.high && (high < LOWEST.high || low < LOWEST.low);
}
