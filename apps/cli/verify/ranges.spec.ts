import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normalised, printRanges, within, without, type Range } from './ranges.ts';

const range = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 }))
  .map(([from, length]): Range => ({ from, to: from + length }));
const ranges = fc.array(range, { maxLength: 12 });

function numbers(of: readonly Range[]): ReadonlySet<number> {
  return new Set(of.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at)));
}

it('ranges are sets of numbers', () => {
  fc.assert(
    fc.property(ranges, ranges, range, (a, b, bounds) => {
      expect(numbers(normalised(a))).toEqual(numbers(a));
      expect(numbers(without(a, b))).toEqual(new Set([...numbers(a)].filter((number) => !numbers(b).has(number))));
      const isInside = (number: number) => number >= bounds.from && number <= bounds.to;
      expect(numbers(within(a, bounds))).toEqual(new Set([...numbers(a)].filter(isInside)));
    }),
  );
});

it('normalised ranges neither overlap nor touch', () => {
  fc.assert(
    fc.property(ranges, (a) => {
      const joined = normalised(a);
      for (let at = 1; at < joined.length; at++) expect(joined[at]!.from).toBeGreaterThan(joined[at - 1]!.to + 1);
    }),
  );
});

it('the first few are printed', () => {
  expect(
    printRanges([
      { from: 1, to: 1 },
      { from: 3, to: 9 },
      { from: 11, to: 11 },
      { from: 20, to: 30 },
    ]),
  ).toBe('1, 3–9, 11, …');
});
