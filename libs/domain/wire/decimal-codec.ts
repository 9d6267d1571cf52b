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

/** The inverse of `writeDecimal`. Takes bytes longer than needed too; throws CodecError beyond 18 digits. */
export function readDecimal(input: AvroReader, words: Int32Array, row: number): void {
  const start = input.at;
  const length = input.length();
  if (length === 0) throw new CodecError(`the decimal ${input.place(start)} has no bytes`);
  const { bytes, at } = input;
  let next = at;
  const sign = (bytes[next] << 24) >> 31;
  let fits = true;
  for (const lowest = at + length - 8; next < lowest; next++) fits &&= bytes[next] === (sign & 255);
  let high = sign;
  for (const lowest = at + length - 4; next < lowest; next++) high = (high << 8) | bytes[next];
  let low = sign;
  for (const behind = at + length; next < behind; next++) low = (low << 8) | bytes[next];
  input.at = next;
  if (!fits || high >> 31 !== sign || isBeyond(high, low >>> 0)) {
    throw new CodecError(`the decimal ${input.place(start)} has more than 18 digits`);
  }
  words[2 * row] = low;
  words[2 * row + 1] = high;
}

function isBeyond(high: number, low: number): boolean {
  if (high >= HIGHEST.high) return high > HIGHEST.high || low > HIGHEST.low;
  return high <= LOWEST.high && (high < LOWEST.high || low < LOWEST.low);
}
