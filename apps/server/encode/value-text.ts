import {
  civilDate,
  int64At,
  int64Words,
  isSafeAt,
  printTimeUs,
  US_PER_SECOND,
  type Utf8Column,
} from '@k2/domain/market';

/** Text of a row's value. */
export type TextAt = (row: number) => string;

const SECONDS_PER_DAY = 86_400;
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => padded(value, 2));

/** As `printTimeUs`, for times that mostly fall on the day, or in the second, of the one before. */
export function timeText(values: ArrayLike<number>): TextAt {
  let day = NaN;
  let date = '';
  let second = NaN;
  let prefix = '';
  return (row) => {
    const timeUs = values[row];
    const ofRow = Math.floor(timeUs / US_PER_SECOND);
    if (ofRow !== second) {
      second = ofRow;
      const dayOfRow = Math.floor(ofRow / SECONDS_PER_DAY);
      if (dayOfRow !== day) {
        day = dayOfRow;
        date = printTimeUs(dayOfRow * SECONDS_PER_DAY * US_PER_SECOND).slice(0, -'00:00:00.000Z'.length);
      }
      prefix = `${date}${timeOfDay(ofRow - dayOfRow * SECONDS_PER_DAY)}.`;
    }
    const micros = timeUs - ofRow * US_PER_SECOND;
    if (micros % 1_000 !== 0) return `${prefix}${padded(micros, 6)}Z`;
    return `${prefix}${padded(micros / 1_000, 3)}Z`;
  };
}

const INFINITE_US = 2n ** 63n - 1n;

/** As `timeText`, for times that doubles do not hold to the µs, and for the infinite ones of DuckDB. */
export function wideTimeText(values: BigInt64Array): TextAt {
  const usPerDay = BigInt(SECONDS_PER_DAY * US_PER_SECOND);
  return (row) => {
    const timeUs = values[row];
    if (timeUs === INFINITE_US) return 'infinity';
    if (timeUs === -INFINITE_US) return '-infinity';
    const usOfDay = ((timeUs % usPerDay) + usPerDay) % usPerDay;
    const day = (timeUs - usOfDay) / usPerDay;
    return civilDate(Number(day)) + printTimeUs(Number(usOfDay)).slice('1970-01-01'.length);
  };
}

/** Of a double, every one of which is told from every other, also the negative zero. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function timeOfDay(second: number): string {
  const minute = Math.floor(second / 60);
  return `${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[second % 60]}`;
}

/** Scaled int64 as its shortest exact decimal: no exponent, no trailing zeros. */
export function decimalText(values: BigInt64Array, scale: number): TextAt {
  const words = int64Words(values);
  const one = 10 ** scale;
  const isFast = scale <= 15;
  return (row) => {
    if (!isFast || !isSafeAt(words, row)) return printScaled(values[row], scale);
    const scaled = int64At(words, row);
    const magnitude = scaled < 0 ? -scaled : scaled;
    const whole = Math.floor(magnitude / one);
    const fraction = magnitude - whole * one;
    const text = fraction === 0 ? String(whole) : `${whole}.${withoutZeros(padded(fraction, scale))}`;
    return scaled < 0 ? `-${text}` : text;
  };
}

export function printScaled(scaled: bigint, scale: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = withoutZeros(digits.slice(digits.length - scale));
  return `${scaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Strings of a column, decoded all at once; slices where one byte is one unit. */
export function utf8Text(
  { offsets, bytes }: Utf8Column,
  rowCount: number,
): { readonly at: TextAt; readonly all: string } {
  const start = offsets[0];
  const used = Buffer.from(bytes.buffer, bytes.byteOffset + start, offsets[rowCount] - start);
  const all = used.toString('utf8');
  if (all.length === used.length) {
    return { all, at: (row) => all.slice(offsets[row] - start, offsets[row + 1] - start) };
  }
  return { all, at: (row) => used.toString('utf8', offsets[row] - start, offsets[row + 1] - start) };
}

export function base64Text({ offsets, bytes }: Utf8Column): TextAt {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row) => buffer.toString('base64', offsets[row], offsets[row + 1]);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

function withoutZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--;
  return digits.slice(0, end);
}
