import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keptSnapshots, SNAPSHOT_RETENTION } from './snapshot-retention.ts';

const HOUR_US = 3_600_000_000;
const NOW_US = 500_000 * HOUR_US + 1_000_000;

describe('keptSnapshots', () => {
  it('keeps a week of a commit every two seconds small', () => {
    const every2s = Array.from({ length: 302_400 }, (_, i) => NOW_US - (302_400 - i) * 2_000_000);
    const kept = keptSnapshots(every2s, SNAPSHOT_RETENTION, NOW_US);
    expect(kept.size).toBeLessThan(400);
    expect(kept.has(every2s.length - 1)).toBe(true);
  });

  it('keeps the last one of each hour, so that an instant at its end finds what it would have found before', () => {
    const times = [-9.5, -9.2, -9.1, -8.4, -8.2].map((hours) => NOW_US + hours * HOUR_US);
    const kept = keptSnapshots(times, { keepNewest: 1, tiers: [{ ageMs: 86_400_000, everyMs: 3_600_000 }] }, NOW_US);
    expect([...kept].sort()).toEqual([2, 4]);
  });

  it('forgets what is older than every tier, but never the newest', () => {
    const times = [1, 2, 3];
    expect([...keptSnapshots(times, { keepNewest: 0, tiers: [] }, NOW_US)]).toEqual([2]);
  });

  it('keeps nothing else when it is asked again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4_000_000 }), { minLength: 1, maxLength: 200 }), (ages) => {
        const times = ages.map((seconds) => NOW_US - seconds * 1_000_000).sort((a, b) => a - b);
        const once = times.filter((_, i) => keptSnapshots(times, SNAPSHOT_RETENTION, NOW_US).has(i));
        const twice = once.filter((_, i) => keptSnapshots(once, SNAPSHOT_RETENTION, NOW_US).has(i));
        expect(twice).toEqual(once);
      }),
    );
  });
});
