import { describe, expect, it } from '@jest/globals';
import { AWKWARD_SYMBOLS } from '@k2/testing/builders';
import fc from 'fast-check';
import { lowerBound, upperBound } from '../format/bounds.ts';
import { compareValues, type Value } from '../format/single-value.ts';
import { parseTransform } from '../format/transforms.ts';
import { canMatch, canMatchPartition, type Predicate } from './predicates.ts';

const text = fc.oneof(fc.constantFrom(...AWKWARD_SYMBOLS), fc.string({ unit: 'binary', maxLength: 40 }));
const time = fc.integer({ min: -(2 ** 50), max: 2 ** 51 });

const symbolIn = (values: readonly string[]): Predicate => ({
  fieldId: 2,
  type: 'string',
  matches: { kind: 'in', values },
});
const timeWithin = (min: number, max: number): Predicate => ({
  fieldId: 5,
  type: 'timestamptz',
  matches: { kind: 'range', min, max },
});

describe('pruning', () => {
  it('never leaves out a file by its bounds that holds a value asked for', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), fc.array(text), fc.nat(), (stored, others, pick) => {
        const predicate = symbolIn([...others, stored[pick % stored.length]]);
        expect(canMatch(predicate, ...boundsOf(stored))).toBe(true);
      }),
    );
  });

  it('never leaves out a partition that holds a value asked for, whatever the transform', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('identity', 'bucket[7]', 'truncate[3]', 'void'), (symbol, transform) => {
        const partition = parseTransform(transform).apply(symbol, 'string');
        expect(canMatchPartition(symbolIn([symbol]), transform, partition, partition)).toBe(true);
      }),
    );
    const transforms = ['identity', 'hour', 'day', 'month', 'year', 'bucket[7]', 'truncate[1000]'];
    fc.assert(
      fc.property(time, fc.nat(), fc.nat(), fc.constantFrom(...transforms), (us, before, after, transform) => {
        const partition = parseTransform(transform).apply(us, 'timestamptz');
        expect(canMatchPartition(timeWithin(us - before, us + after), transform, partition, partition)).toBe(true);
      }),
    );
  });

  it('leaves out what is outside, to the last unit', () => {
    const day = 86_400_000_000;
    expect(canMatchPartition(timeWithin(day, 2 * day - 1), 'day', 2, 2)).toBe(false);
    expect(canMatchPartition(timeWithin(-Infinity, 2 * day - 1), 'day', 2, 9)).toBe(false);
    expect(canMatchPartition(timeWithin(3 * day, Infinity), 'day', 1, 2)).toBe(false);
    expect(canMatch(timeWithin(5, 9), 10, 20)).toBe(false);
    expect(canMatch(timeWithin(21, Infinity), 10, 20)).toBe(false);
    expect(canMatch(symbolIn(['A', 'Z']), 'B', 'Y')).toBe(false);
    expect(canMatch(symbolIn([]), 'B', 'Y')).toBe(false);
  });

  it('keeps what states no bounds', () => {
    expect(canMatch(symbolIn(['A']), null, null)).toBe(true);
    expect(canMatch(timeWithin(5, 9), null, 4)).toBe(false);
    expect(canMatch(timeWithin(5, 9), null, 7)).toBe(true);
  });
});

/** As a manifest states them: cut, the upper one incremented. */
function boundsOf(values: readonly Value[]): [Value, Value | null] {
  const ordered = values.toSorted(compareValues);
  return [lowerBound(ordered[0]), upperBound(ordered[ordered.length - 1])];
}
