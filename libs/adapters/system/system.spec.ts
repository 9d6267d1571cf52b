import { describe, expect, it, jest } from '@jest/globals';
import { SystemClock } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';
import { SystemScheduler } from './system-scheduler.ts';

describe('SystemClock', () => {
  it('gives whole microseconds close to the machine time', () => {
    const clock = new SystemClock();
    const nowUs = clock.nowUs();
    expect(Number.isSafeInteger(nowUs)).toBe(true);
    expect(Math.abs(nowUs - Date.now() * 1_000)).toBeLessThan(60_000_000);
  });

  it('follows when the machine clock is set back, while durations do not', () => {
    const clock = new SystemClock();
    const beforeUs = clock.nowUs();
    const startUs = clock.monotonicUs();
    const realNow = Date.now;
    const setBack = jest.spyOn(Date, 'now').mockImplementation(() => realNow() - 3_600_000);
    try {
      expect(clock.nowUs()).toBeLessThan(beforeUs - 3_500_000_000);
      expect(clock.monotonicUs()).toBeGreaterThanOrEqual(startUs);
    } finally {
      setBack.mockRestore();
    }
  });

  it('never goes back in monotonic time', () => {
    const clock = new SystemClock();
    let lastUs = clock.monotonicUs();
    for (let i = 0; i < 10_000; i++) {
      const nowUs = clock.monotonicUs();
      expect(nowUs).toBeGreaterThanOrEqual(lastUs);
      lastUs = nowUs;
    }
  });
});

describe('SystemRandom', () => {
  it('makes version 7 UUIDs that are distinct and sort by creation, also when the clock goes back', () => {
    let nowUs = 1_394_402_400_000_123;
    const random = new SystemRandom({ nowUs: () => nowUs--, monotonicUs: () => 0 });
    const uuids = Array.from({ length: 5_000 }, () => random.uuid());
    expect(
      uuids.every((uuid) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid)),
    ).toBe(true);
    expect([...uuids].sort()).toEqual(uuids);
    expect(new Set(uuids).size).toBe(uuids.length);
    expect(parseInt(uuids[0].replaceAll('-', '').slice(0, 12), 16)).toBe(1_394_402_400_000);
  });

  it('draws from [0, 1) and positive 63-bit integers', () => {
    const random = new SystemRandom(new SystemClock());
    const drawn = Array.from({ length: 2_000 }, () => random.next());
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const ids = Array.from({ length: 2_000 }, () => random.int63());
    expect(ids.every((id) => id > 0n && id < 1n << 63n)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('SystemScheduler', () => {
  const scheduler = new SystemScheduler();

  it('wakes when the signal aborts, before or while sleeping', async () => {
    const abort = new AbortController();
    const asleep = scheduler.sleep(2 ** 40, abort.signal);
    abort.abort();
    await asleep;
    await scheduler.sleep(2 ** 40, abort.signal);
  });

  it('gives other work its turn', async () => {
    const order: string[] = [];
    const other = new Promise<void>((resolve) => setImmediate(() => resolve(void order.push('other'))));
    await scheduler.yield();
    order.push('after yield');
    await other;
    expect(order).toEqual(['other', 'after yield']);
  });
});
