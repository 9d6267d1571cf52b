import { CursorError } from '@k2/usecases';
import { STREAM_ROWS_MAX } from './requests.ts';

/** Bars are few: a page is found again by counting, as of the instant that the first page was of. */
export interface BarsCursor {
  /** UTC µs. */
  readonly asOfUs: number;
  readonly offset: number;
}

const CURSOR = /^bars-(\d{1,16})-(\d{1,7})-([0-9a-f]{16})$/;

export function printBarsCursor({ asOfUs, offset }: BarsCursor, question: string): string {
  return Buffer.from(`bars-${asOfUs}-${offset}-${question}`).toString('hex');
}

/** Throws CursorError, also on a cursor of another question. */
export function parseBarsCursor(text: string, question: string): BarsCursor {
  const match = CURSOR.exec(/^(?:[0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex').toString() : '');
  if (match === null || Number(match[2]) > STREAM_ROWS_MAX || match[3] !== question) throw new CursorError(text);
  return { asOfUs: Number(match[1]), offset: Number(match[2]) };
}
