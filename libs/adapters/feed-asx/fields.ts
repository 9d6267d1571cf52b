const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const SLASH = 47;
const COLON = 58;

const US_OF = { hour: 3_600_000_000, minute: 60_000_000, second: 1_000_000, millisecond: 1_000 };
/** Digits and a point: whatever fits is exact as a number before it is scaled. */
const SHORT_DECIMAL_BYTES_MAX = 16;
const POWERS_OF_TEN = Float64Array.from({ length: 9 }, (_, exponent) => 10 ** exponent);

/** `MM/DD/YYYY,HH:MM:SS.mmm,` */
export const DATE_AND_TIME_BYTES = 24;

/** Position of the next comma in `[from, to)`; `to` where there is none. */
export function commaAt(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] !== COMMA) i++;
  return i;
}

/** `MM/DD/YYYY` as YYYYMMDD, not yet looked up in a calendar; negative where it has another shape. Needs 11 bytes. */
export function dateKeyAt(bytes: Uint8Array, at: number): number {
  if (bytes[at + 2] !== SLASH || bytes[at + 5] !== SLASH || bytes[at + 10] !== COMMA) return -1;
  const century = twoDigits(bytes, at + 6);
  const year = twoDigits(bytes, at + 8);
  return century * 1_000_000 + year * 10_000 + twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 3);
}

/** `HH:MM:SS.mmm` as µs of the day; negative where it has another shape or is no time of a day. Needs 13 bytes. */
export function timeOfDayUsAt(bytes: Uint8Array, at: number): number {
  const punctuated =
    bytes[at + 2] === COLON && bytes[at + 5] === COLON && bytes[at + 8] === POINT && bytes[at + 12] === COMMA;
  if (!punctuated) return -1;
  const hour = twoDigits(bytes, at);
  const minute = twoDigits(bytes, at + 3);
  const second = twoDigits(bytes, at + 6);
  if (hour > 23 || minute > 59 || second > 59) return -1;
  const hundredths = twoDigits(bytes, at + 9);
  const thousandth = bytes[at + 11] - 48;
  if (thousandth < 0 || thousandth > 9) return -1;
  return (
    hour * US_OF.hour +
    minute * US_OF.minute +
    second * US_OF.second +
    (hundredths * 10 + thousandth) * US_OF.millisecond
  );
}

/**
 * A plain decimal scaled by 10^8, exact. NaN where it is not short and plain: then `parseDecimal` decides.
 */
export function scaledAt(bytes: Uint8Array, from: number, to: number): number {
  const negative = bytes[from] === MINUS;
  const start = negative ? from + 1 : from;
  if (to - start > SHORT_DECIMAL_BYTES_MAX) return Number.NaN;
  let value = 0;
  let point = -1;
  for (let i = start; i < to; i++) {
    const digit = bytes[i] - 48;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (bytes[i] === POINT && point < 0) point = i;
    else return Number.NaN;
  }
  const digits = to - start - (point < 0 ? 0 : 1);
  const fraction = point < 0 ? 0 : to - point - 1;
  if (digits === 0 || fraction > 8) return Number.NaN;
  const scaled = value * POWERS_OF_TEN[8 - fraction];
  if (scaled > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative && scaled !== 0 ? -scaled : scaled;
}

/** Two digits, or so far below zero that no sum with other fields is positive. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - 48;
  const ones = bytes[at + 1] - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1e15 : tens * 10 + ones;
}
