import { fnv1a64 } from '@k2/domain/lake';
import { printTimeUs } from '@k2/domain/market';
import { isPortError, type TickPosition } from '@k2/ports';

/** Where the next page starts, as of the instant that the first page was of. */
export interface TickCursor {
  /** UTC µs. */
  readonly asOfUs: number;
  readonly after: TickPosition;
}

export const CURSOR_EXPECTED = 'the nextCursor of an earlier answer, unchanged, and the other parameters as they were';

export class CursorError extends Error {
  override readonly name = 'CursorError';
  constructor(value: string) {
    super(`${JSON.stringify(value.slice(0, 100))} is not a cursor of this question: expected ${CURSOR_EXPECTED}`);
  }
}

/** The tables are no longer kept as they were at the instant of the cursor. */
export class CursorExpiredError extends Error {
  override readonly name = 'CursorExpiredError';
  constructor(asOfUs: number, cause: unknown) {
    super(
      `the cursor is of ${printTimeUs(asOfUs)}, and the tables are no longer kept as they were then: ask for the first page anew, or for all rows at once as CSV, Arrow or Parquet`,
      { cause },
    );
  }
}

/** Planned as of the instant of a cursor; throws CursorExpiredError. */
export async function asOfCursor<Planned>(asOfUs: number, planned: Promise<Planned>): Promise<Planned> {
  try {
    return await planned;
  } catch (error) {
    throw isPortError(error, 'unknown-snapshot') ? new CursorExpiredError(asOfUs, error) : error;
  }
}

/**
 * What decides which rows there are and in which order, as a digest: a cursor leads on in the answers to one question,
 * and would silently skip rows of another's.
 */
export function questionDigest(parts: readonly unknown[]): string {
  return fnv1a64(new TextEncoder().encode(JSON.stringify(parts)));
}

export function printCursor({ asOfUs, after }: TickCursor, question: string): string {
  const { eventTimeUs, exchange, symbol, session, venueSequence } = after;
  return cursorText([asOfUs, eventTimeUs, exchange, symbol, session, venueSequence, question]);
}

/** The inverse of `printCursor`; throws CursorError on anything else, also on a cursor of another question. */
export function parseCursor(text: string, question: string): TickCursor {
  const parsed = cursorParts(text);
  if (!isCursorArray(parsed)) throw new CursorError(text);
  const [asOfUs, eventTimeUs, exchange, symbol, session, venueSequence, ofQuestion] = parsed;
  if (ofQuestion !== question) throw new CursorError(text);
  return { asOfUs, after: { eventTimeUs, exchange, symbol, session, venueSequence } };
}

/** Opaque, URL-safe text. */
export function cursorText(parts: readonly (number | string)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The inverse of `cursorText`, whatever it holds; throws CursorError. */
export function cursorParts(text: string): unknown {
  if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new CursorError(text);
  const bytes = Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CursorError(text);
  }
}

function isCursorArray(value: unknown): value is [number, number, string, string, string, number, string] {
  if (!Array.isArray(value) || value.length !== 7) return false;
  const [asOfUs, eventTimeUs, exchange, symbol, session, venueSequence, question] = value as unknown[];
  return (
    [asOfUs, eventTimeUs, venueSequence].every((part) => Number.isSafeInteger(part)) &&
    [exchange, symbol, session, question].every((part) => typeof part === 'string')
  );
}
