/**
 * int64 columns read and written as exact JS numbers, without a BigInt per element.
 * A `BigInt64Array` is viewed as 32-bit words (little-endian: every platform Node runs on).
 */

const HIGH = 4_294_967_296;
/** Values of magnitude up to 2^53 are exact as numbers. */
const HIGH_WORD_SAFE_MAX = 2_097_152;

/** The words of a column: word `2i` is the low half of element `i`, word `2i + 1` the high half. */
export function int64Words(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Element `row` as a number; exact when `isSafeAt` holds. */
export function int64At(words: Int32Array, row: number): number {
  return words[2 * row + 1] * HIGH + (words[2 * row] >>> 0);
}

export function isSafeAt(words: Int32Array, row: number): boolean {
  const high = words[2 * row + 1];
  return high >= -HIGH_WORD_SAFE_MAX && high < HIGH_WORD_SAFE_MAX;
}

/** Stores an exact integer of magnitude below 2^53. */
export function setInt64(words: Int32Array, row: number, value: number): void {
  const high = Math.floor(value / HIGH);
  words[2 * row + 1] = high;
  words[2 * row] = value - high * HIGH;
}

/** As a number where that is exact. */
export function exactNumber(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Exact integers (µs, sequences, offsets) as int64. */
export function int64From(values: Float64Array): BigInt64Array {
  const out = new BigInt64Array(values.length);
  const words = int64Words(out);
  for (let row = 0; row < values.length; row++) setInt64(words, row, values[row]);
  return out;
}
