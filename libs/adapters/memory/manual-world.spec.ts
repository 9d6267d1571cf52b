import { describe, expect, it } from '@jest/globals';
import { ManualClock, ManualScheduler } from './manual-time.ts';
import { SeededRandom } from './seeded-random.ts';

describe('ManualScheduler', () => {
  it('wakes sleepers in the order of their times, each done before the next, the clock at their time', async () => {
    const clock = new ManualClock(1_000);
    const scheduler = new ManualScheduler(clock);
    const events: string[] = [];
    const sleeper = async (name: string, ...naps: number[]) => {
      for (const ms of naps) {
        await scheduler.sleep(ms);
        events.push(`${name}@${clock.monotonicUs() / 1_000}`);
      }
    };
    const all = Promise.all([sleeper('a', 30, 5), sleeper('b', 10, 10, 10), sleeper('c', 30)]);
    await scheduler.advance(29);
    expect(events).toEqual(['b@10', 'b@20']);
    await scheduler.advance(6);
    expect(events).toEqual(['b@10', 'b@20', 'a@30', 'c@30', 'b@30', 'a@35']);
    await all;
    expect(clock.nowUs()).toBe(36_000);
    expect(scheduler.sleeperCount).toBe(0);
    expect(scheduler.nextDueUs).toBeNull();
  });

  it('forgets a sleeper whose signal aborts', async () => {
    const scheduler = new ManualScheduler(new ManualClock());
    const abort = new AbortController();
    const asleep = scheduler.sleep(1_000, abort.signal);
    expect(scheduler.nextDueUs).toBe(1_000_000);
    abort.abort();
    await asleep;
    await scheduler.sleep(1_000, abort.signal);
    expect(scheduler.sleeperCount).toBe(0);
  });
});

describe('ManualClock', () => {
  it('steps the wall clock and not the durations', () => {
    const clock = new ManualClock(5_000);
    clock.advanceUs(10);
    clock.stepWallUs(-3_000);
    expect([clock.nowUs(), clock.monotonicUs()]).toEqual([2_010, 10]);
    expect(() => clock.advanceUs(-1)).toThrow(RangeError);
  });
});

describe('SeededRandom', () => {
  const draw = (random: SeededRandom) => [random.next(), random.uuid(), random.int63(), random.next()];

  it('repeats with its seed and differs with another', () => {
    expect(draw(new SeededRandom(7))).toEqual(draw(new SeededRandom(7)));
    expect(draw(new SeededRandom(7))).not.toEqual(draw(new SeededRandom(8)));
  });

  it('makes version 7 UUIDs that sort by creation, and positive 63-bit integers', () => {
    const clock = new ManualClock(1_394_402_400_000_000);
    const random = new SeededRandom(3, clock);
    const uuids = Array.from({ length: 1_000 }, () => random.uuid());
    expect(
      uuids.every((uuid) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid)),
    ).toBe(true);
    expect([...uuids].sort()).toEqual(uuids);
    const ids = Array.from({ length: 1_000 }, () => random.int63());
    expect(ids.every((id) => id > 0n && id < 1n << 63n)).toBe(true);
    const mean = Array.from({ length: 20_000 }, () => random.next()).reduce((sum, value) => sum + value, 0) / 20_000;
    expect(mean).toBeGreaterThan(0.49);
    expect(mean).toBeLessThan(0.51);
  });
});
