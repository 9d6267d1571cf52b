import { int64Words } from './int64.ts';
import { BATCH_ROWS_MAX } from './tick-batch.ts';

/**
 * The platform sequence: a tick's position in its topic partition as one int64, the offset of its log record × 65,536 +
 * its index in the record. An offset takes the upper 47 bits, the index the lower 16. One position is a `bigint`; those
 * of a batch are a `BigInt64Array` that is filled by 32-bit halves, without a BigInt a row.
 */

/** An offset from here on has no position. At a million records a second a partition gets there in four years. */
export const LOG_OFFSETS_MAX = 2 ** 47;

const INDEX_BITS = 16;

export class LogOffsetError extends RangeError {
  override readonly name = 'LogOffsetError';
  constructor(offset: number) {
    super(`offset ${offset} has no position: expected a whole number below 2^47 (${LOG_OFFSETS_MAX})`);
  }
}

/** Position of a row in a record of ticks; the index is 0 if the record is a single tick. Throws LogOffsetError. */
export function platformSequence(offset: number, index: number): bigint {
  assertPlaceable(offset);
  return (BigInt(offset) << BigInt(INDEX_BITS)) | BigInt(index);
}

/** Positions of the rows of one log record, in their order. Throws LogOffsetError. */
export function recordPositions(offset: number, rowCount: number): BigInt64Array {
  assertPlaceable(offset);
  if (rowCount > BATCH_ROWS_MAX)
    throw new RangeError(`a record of ${rowCount} rows: expected at most ${BATCH_ROWS_MAX}`);
  const positions = new BigInt64Array(rowCount);
  const words = int64Words(positions);
  const low = lowWord(offset);
  const high = highWord(offset);
  for (let row = 0; row < rowCount; row++) {
    words[2 * row] = low | row;
    words[2 * row + 1] = high;
  }
  return positions;
}

/** Positions of rows that are log records of their own, by their offsets. Throws LogOffsetError. */
export function tickPositions(offsets: Float64Array): BigInt64Array {
  const positions = new BigInt64Array(offsets.length);
  const words = int64Words(positions);
  for (let row = 0; row < offsets.length; row++) {
    const offset = offsets[row];
    assertPlaceable(offset);
    words[2 * row] = lowWord(offset);
    words[2 * row + 1] = highWord(offset);
  }
  return positions;
}

/** Offset of the log record that a position lies in. */
export function offsetOfPosition(position: bigint): number {
  return Number(position >> BigInt(INDEX_BITS));
}

function assertPlaceable(offset: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset < LOG_OFFSETS_MAX)) throw new LogOffsetError(offset);
}

/** Of all positions of an offset. */
function highWord(offset: number): number {
  return Math.floor(offset / BATCH_ROWS_MAX);
}

/** Of index 0; the others have the index in its low bits. */
function lowWord(offset: number): number {
  return (offset & (BATCH_ROWS_MAX - 1)) << INDEX_BITS;
}
