import { PortError } from '@k2/ports';

/** A BIGINT that K2 wrote, from its text: a number that is exact, or nothing. */
export function exactNumber(text: string, what: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new PortError('unavailable', `${what} is ${text}, beyond 2^53: K2 did not write it; repair the row`, {
    what,
    text,
  });
}
