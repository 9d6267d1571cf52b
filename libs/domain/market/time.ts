/** Time is UTC microseconds since 1970-01-01T00:00:00Z, as an exact integer number (until the year 2255). */

export const US_PER_MS = 1_000;
export const US_PER_SECOND = 1_000_000;
export const US_PER_DAY = 86_400_000_000;

export class TimeError extends Error {
  override readonly name = 'TimeError';
  constructor(value: string, expected: string) {
    super(`${JSON.stringify(value)} is not a time: expected ${expected}`);
  }
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const EXPECTED = 'ISO 8601 in UTC or with an offset, to the microsecond, as 2014-03-09T20:57:14.754Z or 2014-03-10';

/** Parses ISO 8601; a time without an offset is UTC. Throws TimeError (also for 31 February). */
export function parseTimeUs(text: string): number {
  const match = ISO.exec(text);
  if (match === null) throw new TimeError(text, EXPECTED);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const dayUs = dayNumber(Number(year), Number(month), Number(day)) * US_PER_DAY;
  const valid =
    civilDate(dayUs / US_PER_DAY) === `${year}-${month}-${day}` &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  if (!valid) throw new TimeError(text, EXPECTED);
  const clock = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  return dayUs + clock * US_PER_SECOND + Number(fraction.padEnd(6, '0')) - zoneOffsetUs(zone);
}

function zoneOffsetUs(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60 * US_PER_SECOND;
}

/** Prints milliseconds, or microseconds where there are any: `2014-03-09T20:57:14.754Z`. */
export function printTimeUs(timeUs: number): string {
  const day = Math.floor(timeUs / US_PER_DAY);
  const us = timeUs - day * US_PER_DAY;
  const seconds = Math.floor(us / US_PER_SECOND);
  const micros = String(us % US_PER_SECOND).padStart(6, '0');
  const fraction = micros.endsWith('000') ? micros.slice(0, 3) : micros;
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return `${civilDate(day)}T${clock}.${fraction}Z`;
}

/** The UTC date, `YYYY-MM-DD`, that a time falls on. */
export function utcDate(timeUs: number): string {
  return civilDate(Math.floor(timeUs / US_PER_DAY));
}

/** Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
export function dayNumber(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of `dayNumber`, as `YYYY-MM-DD`. */
export function civilDate(days: number): string {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
