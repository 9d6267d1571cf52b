import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idKey } from './id-keys.ts';
import { RotatingBloomFilter } from './rotating-bloom-filter.ts';

const WINDOW_US = 1_000;
const newFilter = (idsExpected = 1_000, falsePositiveRate = 0.01, nowUs = 0) =>
  new RotatingBloomFilter({ windowUs: WINDOW_US, idsExpected, falsePositiveRate }, nowUs);
const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => idKey(`${prefix}/${i}`));

describe('RotatingBloomFilter', () => {
  it('never denies a key within the window of its last addition, whenever it is asked', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 40 }), passUs: fc.integer({ min: 0, max: 700 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(5_000), (steps, startUs) => {
        const filter = newFilter(4, 0.5, startUs);
        const addedUs = new Map<string, number>();
        let nowUs = startUs;
        for (const { key, passUs } of steps) {
          nowUs += passUs;
          filter.add(idKey(String(key)), nowUs);
          addedUs.set(idKey(String(key)), nowUs);
          for (const [added, atUs] of addedUs) {
            if (nowUs - atUs < WINDOW_US) expect(filter.mayHave(added, nowUs)).toBe(true);
          }
        }
      }),
    );
  });

  it('says perhaps to no more keys than it should, with as many added as expected in each window', () => {
    const filter = newFilter(20_000, 0.01);
    for (const key of keys('first', 20_000)) filter.add(key, 0);
    for (const key of keys('second', 20_000)) filter.add(key, WINDOW_US);
    const wrong = keys('never', 50_000).filter((key) => filter.mayHave(key, WINDOW_US + 1));
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.length / 50_000).toBeLessThan(0.013);
  });

  it('forgets after two windows at most, also when nobody asked meanwhile', () => {
    const filter = newFilter();
    filter.add(idKey('a'), 10);
    expect(filter.mayHave(idKey('a'), 2 * WINDOW_US - 1)).toBe(true);
    expect(filter.mayHave(idKey('a'), 2 * WINDOW_US)).toBe(false);
    filter.add(idKey('b'), 3 * WINDOW_US);
    expect(filter.mayHave(idKey('b'), 100 * WINDOW_US)).toBe(false);
  });

  it('takes the memory that it was made for, and no other', () => {
    const filter = newFilter(1_000_000, 0.01);
    const { sizeBytes } = filter;
    expect(sizeBytes).toBeLessThan(2_800_000);
    for (const key of keys('more than expected', 5_000)) filter.add(key, 0);
    expect(filter.sizeBytes).toBe(sizeBytes);
    expect(() => newFilter(1e9, 0.001)).toThrow(RangeError);
    expect(() => newFilter(1_000, 0)).toThrow(RangeError);
  });
});
