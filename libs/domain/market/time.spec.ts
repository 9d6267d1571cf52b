import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { civilDate, dayNumber, parseTimeUs, printTimeUs, TimeError, US_PER_DAY, utcDate } from './time.ts';

describe('UTC µs', () => {
  it('parses what it prints, for every µs from the year 1900 to 2200', () => {
    const range = { min: Date.UTC(1900, 0) * 1_000, max: Date.UTC(2200, 0) * 1_000 };
    fc.assert(fc.property(fc.integer(range), (timeUs) => parseTimeUs(printTimeUs(timeUs)) === timeUs));
  });

  it('agrees with the calendar of the language on every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: -200_000, max: 200_000 }), (day) => {
        const text = new Date(day * 86_400_000).toISOString().slice(0, 10);
        expect(civilDate(day)).toBe(text);
        expect(dayNumber(...(text.split('-').map(Number) as [number, number, number]))).toBe(day);
      }),
    );
  });

  it.each([
    ['2014-03-09T20:57:14.754Z', 1_394_398_634_754_000],
    ['2014-03-10T07:57:14.754+11:00', 1_394_398_634_754_000],
    ['2014-03-10T07:57:14.754+1100', 1_394_398_634_754_000],
    ['2014-03-09 20:57:14.754001', 1_394_398_634_754_001],
    ['2014-03-09', 1_394_323_200_000_000],
    ['1969-12-31T23:59:59.999999Z', -1],
  ])('parses %s', (text, timeUs) => {
    expect(parseTimeUs(text)).toBe(timeUs);
  });

  it.each([
    '',
    'yesterday',
    '2014-02-29',
    '2014-13-01',
    '2014-03-09T24:00',
    '2014-03-09T20:60',
    '2014-03-09T20:57:14.1234567Z',
    '1394398634754000',
  ])('refuses %j', (text) => {
    expect(() => parseTimeUs(text)).toThrow(TimeError);
  });

  it('prints microseconds only where there are any', () => {
    expect(printTimeUs(1_394_398_634_754_000)).toBe('2014-03-09T20:57:14.754Z');
    expect(printTimeUs(1_394_398_634_754_001)).toBe('2014-03-09T20:57:14.754001Z');
    expect(utcDate(-1)).toBe('1969-12-31');
    expect(utcDate(US_PER_DAY)).toBe('1970-01-02');
  });
});
