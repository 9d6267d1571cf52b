import { CursorError } from '@k2/usecases';
import { STREAM_ROWS_MAX } from './requests.ts';

/** Bars are few: a page is found again by counting, in the snapshot that the first page was of. */
export interface BarsCursor {
  readonly snapshotId: bigint;
  readonly offset: number;
}

const CURSOR = /^bars-(\d{1,19})-(\d{1,7})$/;

export function printBarsCursor({ snapshotId, offset }: BarsCursor): string {
  return Buffer.from(`bars-${snapshotId}-${offset}`).toString('hex');
}

/** Throws CursorError. */
export function parseBarsCursor(text: string): BarsCursor {
  const match = CURSOR.exec(/^(?:[0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex').toString() : '');
  if (match === null || Number(match[2]) > STREAM_ROWS_MAX) throw new CursorError(text);
  return { snapshotId: BigInt(match[1]), offset: Number(match[2]) };
}
