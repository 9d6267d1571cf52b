import { recordPositions, tickPositions } from '@k2/domain/market';
import type { LogRecord } from '@k2/ports';

/** `platform_sequence` of a record's rows. */
export function rowPositions({ rowOffsets, nextOffset }: LogRecord, rowCount: number): BigInt64Array {
  return rowOffsets === null ? recordPositions(nextOffset - 1, rowCount) : tickPositions(rowOffsets);
}
