import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { distinctNames } from './column-names.ts';
import { foldName } from './statement-tree.ts';

describe('names of columns', () => {
  it.each([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [
      ['a', 'a', 'a'],
      ['a', 'a_1', 'a_2'],
    ],
    [
      ['a', 'A'],
      ['a', 'A_1'],
    ],
    // What was written keeps its name, also if it comes later.
    [
      ['a', 'a', 'a_1'],
      ['a', 'a_2', 'a_1'],
    ],
    [
      ['a_1', 'a_1', 'a', 'a'],
      ['a_1', 'a_1_1', 'a', 'a_2'],
    ],
    // Only ASCII has cases in SQL.
    [
      ['é', 'É', 'k', '\u212a'],
      ['é', 'É', 'k', '\u212a'],
    ],
    [
      ['__proto__', '__proto__', ''],
      ['__proto__', '__proto___1', ''],
    ],
  ])('%j become %j', (names, distinct) => expect(distinctNames(names)).toEqual(distinct));

  it('are never twice the same, whatever they are', () => {
    const name = fc.oneof(fc.constantFrom('a', 'A', 'a_1', 'A_1', 'a_2', 'a_1_1'), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const distinct = distinctNames(names);
        expect(new Set(distinct.map(foldName)).size).toBe(names.length);
        distinct.forEach((each, at) => expect(each.startsWith(names[at])).toBe(true));
      }),
    );
  });
});
