import { describe, expect, it } from '@jest/globals';
import { SessionStarts } from './index.ts';

const of = (symbol: string) => ({ recordType: 'trades', exchange: 'X', symbol, session: 's' }) as const;

describe('session starts', () => {
  const starts = new SessionStarts();
  starts.add(of('A'), 3, 10);
  starts.add(of('A'), 1, 20);
  starts.add(of('A'), 5, 30);
  starts.add({ ...of('A'), recordType: 'quotes' }, 5, 25);
  starts.add(of('B'), 2, 40);

  it("leave numbers before a session's first tick open to the session before it, or to any time", () => {
    expect(starts.sinceUs(of('A'), 2, 10, 10)).toBe(-Infinity);
    expect(starts.sinceUs(of('A'), 4, 30, 30)).toBe(20);
    expect(starts.sinceUs(of('B'), 1, 40, 40)).toBe(-Infinity);
  });

  it('leave the times of other numbers as they are', () => {
    expect(starts.sinceUs(of('A'), 5, 30, 30)).toBe(30);
    expect(starts.sinceUs(of('A'), 4, 29, 30)).toBe(29);
    expect(starts.sinceUs(of('A'), 4, 25, 25)).toBe(25);
    expect(starts.sinceUs(of('C'), 4, 30, 30)).toBe(30);
  });

  it('tell up to when entries can be of earlier ticks: the next session of any instrument', () => {
    expect([starts.nextOpenedUs(5), starts.nextOpenedUs(31), starts.nextOpenedUs(41)]).toEqual([41, 41, 41]);
    const one = new SessionStarts();
    one.add(of('A'), 3, 10);
    one.add(of('A'), 3, 20);
    expect([one.nextOpenedUs(5), one.nextOpenedUs(11), one.nextOpenedUs(21)]).toEqual([11, 21, 21]);
  });
});
