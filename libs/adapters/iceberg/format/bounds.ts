import type { Value } from './single-value.ts';

/** Code points or bytes that a bound keeps: `truncate(16)`, Iceberg's default metrics mode. */
export const BOUND_LENGTH_MAX = 16;

/** A value not above `value`, short enough for a manifest. */
export function lowerBound(value: Value): Value {
  if (typeof value === 'string') return cut(value) ?? value;
  if (value instanceof Uint8Array) return value.subarray(0, BOUND_LENGTH_MAX);
  return value;
}

/** A value not below `value`, short enough for a manifest; null where there is none. */
export function upperBound(value: Value): Value | null {
  if (typeof value === 'string') {
    const prefix = cut(value);
    return prefix === null ? value : nextString(prefix);
  }
  if (value instanceof Uint8Array)
    return value.length <= BOUND_LENGTH_MAX ? value : nextBytes(value.subarray(0, BOUND_LENGTH_MAX));
  return value;
}

/** The first code points of a longer string; null where the string is short enough. */
function cut(text: string): string | null {
  if (text.length <= BOUND_LENGTH_MAX) return null;
  let units = 0;
  for (let points = 0; points < BOUND_LENGTH_MAX && units < text.length; points++) {
    units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  }
  return units < text.length ? text.slice(0, units) : null;
}

/** The shortest string above all strings with this prefix; surrogates are not code points and are stepped over. */
function nextString(prefix: string): string | null {
  const points = Array.from(prefix);
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    if (next <= 0x10ffff) return points.join('') + String.fromCodePoint(next);
  }
  return null;
}

function nextBytes(prefix: Uint8Array): Uint8Array | null {
  for (let length = prefix.length; length > 0; length--) {
    if (prefix[length - 1] < 0xff) {
      const next = prefix.slice(0, length);
      next[length - 1]++;
      return next;
    }
  }
  return null;
}
