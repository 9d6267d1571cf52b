import { describe, expect, it } from '@jest/globals';
import { Arrivals } from '@k2/ports/in-process';
import { ManualClock, ManualScheduler } from './manual-time.ts';

describe('a reader that waits for arrivals', () => {
  it('is told itself of what its look throws: the append that woke it is acknowledged', async () => {
    const arrivals = new Arrivals(new ManualScheduler(new ManualClock()));
    const trimmed = new Error('offset 3 was trimmed');
    let looks = 0;
    const waiting = arrivals.wait(() => {
      if (++looks > 1) throw trimmed;
      return false;
    }, 1_000);
    const other = arrivals.wait(() => looks > 1, 1_000);
    const told = expect(waiting).rejects.toBe(trimmed);
    arrivals.notify();
    await told;
    await other;
  });
});
