import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scanWaves } from './index.ts';

const span = (minUs: number, maxUs: number) => ({ timeSpan: { minUs, maxUs } });

describe('scanWaves', () => {
  it('reads the newest file first where the newest rows are asked for', () => {
    const days = [span(0, 9), span(10, 19), span(20, 29)];
    expect(scanWaves(days, 'newest-first')).toEqual([[days[2]], [days[1], days[0]]]);
    expect(scanWaves(days, 'oldest-first')[0]).toEqual([days[0]]);
  });

  it('keeps together what overlaps, if only in one instant', () => {
    const files = [span(0, 10), span(10, 20), span(30, 40)];
    expect(scanWaves(files, 'oldest-first')).toEqual([[files[0], files[1]], [files[2]]]);
  });

  it('is one wave where a span is unknown, and an empty one where there are no files', () => {
    const files = [span(0, 1), { timeSpan: null }];
    expect(scanWaves(files, 'oldest-first')).toEqual([files]);
    expect(scanWaves([], 'newest-first')).toEqual([[]]);
  });

  it('asks few times for many files', () => {
    const files = Array.from({ length: 10_000 }, (_, i) => span(10 * i, 10 * i + 5));
    expect(scanWaves(files, 'newest-first').length).toBeLessThan(20);
  });

  it('has every file once, and no row of a later wave before one of an earlier', () => {
    const file = fc.tuple(fc.nat(50), fc.nat(5)).map(([min, length]) => span(min, min + length));
    fc.assert(
      fc.property(fc.array(file), fc.constantFrom('oldest-first' as const, 'newest-first' as const), (files, order) => {
        const waves = scanWaves(files, order);
        expect(new Set(waves.flat())).toEqual(new Set(files));
        expect(waves.flat().length).toBe(files.length);
        const ordered = order === 'oldest-first' ? waves : waves.toReversed();
        for (let i = 1; i < ordered.length; i++) {
          const before = Math.max(...ordered[i - 1].map(({ timeSpan }) => timeSpan.maxUs));
          expect(before).toBeLessThan(Math.min(...ordered[i].map(({ timeSpan }) => timeSpan.minUs)));
        }
      }),
    );
  });
});
