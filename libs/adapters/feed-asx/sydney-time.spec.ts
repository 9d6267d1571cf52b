import { describe, expect, it } from '@jest/globals';
import { dayNumber, parseTimeUs, printTimeUs } from '@k2/domain/market';
import { NONEXISTENT, SydneyCalendar, SydneyDayClock } from './sydney-time.ts';

const calendar = new SydneyCalendar();

describe('Sydney time', () => {
  it.each([
    ['2014-03-10', '10:00', '2014-03-09T23:00:00.000Z'],
    ['2014-07-01', '10:00', '2014-07-01T00:00:00.000Z'],
    ['2014-10-05', '01:59', '2014-10-04T15:59:00.000Z'],
    ['2014-10-05', '03:00', '2014-10-04T16:00:00.000Z'],
    ['2014-10-05', '23:59', '2014-10-05T12:59:00.000Z'],
    ['2014-04-06', '01:59', '2014-04-05T14:59:00.000Z'],
    ['2014-04-06', '03:00', '2014-04-05T17:00:00.000Z'],
    ['1999-12-31', '23:59', '1999-12-31T12:59:00.000Z'],
  ])('%s %s is %s', (date, time, utc) => {
    expect(tape(date, time)).toEqual([utc]);
  });

  it('02:30 on the first Sunday of April is twice: the second pass begins where time steps back', () => {
    const times = ['01:30', '02:00', '02:30', '02:59', '02:10', '02:10', '02:30', '02:59', '03:00', '02:40'];
    const utc = tape('2014-04-06', ...times);
    expect(utc.map((time) => time.slice(11, 16))).toEqual([
      '14:30',
      '15:00',
      '15:30',
      '15:59',
      '16:10',
      '16:10',
      '16:30',
      '16:59',
      '17:00',
      '16:40',
    ]);
  });

  it('02:30 on the first Sunday of October does not exist', () => {
    const clock = new SydneyDayClock(calendar.day(dayNumber(2014, 10, 5)));
    expect(clock.toUtcUs(2.5 * 3_600e6)).toBe(NONEXISTENT);
    expect(clock.toUtcUs(2 * 3_600e6)).toBe(NONEXISTENT);
    expect(clock.toUtcUs(3 * 3_600e6 - 1)).toBe(NONEXISTENT);
    expect(clock.toUtcUs(3 * 3_600e6)).toBe(parseTimeUs('2014-10-04T16:00:00Z'));
  });
});

function tape(date: string, ...times: readonly string[]): string[] {
  const [year, month, day] = date.split('-').map(Number);
  const clock = new SydneyDayClock(calendar.day(dayNumber(year!, month!, day!)));
  return times.map((time) => printTimeUs(clock.toUtcUs(parseTimeUs(`1970-01-01T${time}Z`))));
}
