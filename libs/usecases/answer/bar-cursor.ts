import type { BarPosition } from '@k2/ports';
import { CursorError, cursorParts, cursorText } from './tick-cursor.ts';

/** Which bar the next page comes after, as of the instant that the first page was of. */
export interface BarCursor {
  /** UTC µs. */
  readonly asOfUs: number;
  readonly after: BarPosition;
}

export function printBarCursor({ asOfUs, after: { startUs, exchange, symbol } }: BarCursor, question: string): string {
  return cursorText([asOfUs, startUs, exchange, symbol, question]);
}

/** The inverse of `printBarCursor`; throws CursorError on anything else, also on a cursor of another question. */
export function parseBarCursor(text: string, question: string): BarCursor {
  const parsed = cursorParts(text);
  if (!isCursorArray(parsed)) throw new CursorError(text);
  const [asOfUs, startUs, exchange, symbol, ofQuestion] = parsed;
  if (ofQuestion !== question) throw new CursorError(text);
  return { asOfUs, after: { startUs, exchange, symbol } };
}

function isCursorArray(value: unknown): value is [number, number, string, string, string] {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [asOfUs, startUs, exchange, symbol, question] = value as unknown[];
  return (
    Number.isSafeInteger(asOfUs) &&
    Number.isSafeInteger(startUs) &&
    [exchange, symbol, question].every((part) => typeof part === 'string')
  );
}
