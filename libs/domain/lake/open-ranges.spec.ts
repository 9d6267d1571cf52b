import { describe, expect, it } from '@jest/globals';
import { gapRecord } from '@k2/testing/builders';
import fc from 'fast-check';
import { MissingRanges, openGaps, OpenRanges, type MissingTicksSink, type SequenceGapRecord } from './index.ts';

const NUMBERS = 40;

const entry = fc
  .record({
    status: fc.constantFrom('open', 'filled'),
    symbol: fc.constantFrom('BHP', 'RIO'),
    sequenceFrom: fc.integer({ min: 1, max: NUMBERS }),
    length: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ length, ...rest }) => gapRecord({ ...rest, sequenceTo: rest.sequenceFrom + length - 1 }));

/** Numbers that are in an open entry and in no filled one, the slow and obvious way. */
function missingNumbers(entries: readonly SequenceGapRecord[], symbol: string): number[] {
  const has = (status: string, number: number) =>
    entries.some(
      (of) => of.symbol === symbol && of.status === status && of.sequenceFrom <= number && number <= of.sequenceTo,
    );
  return Array.from({ length: 2 * NUMBERS }, (_, number) => number).filter(
    (number) => has('open', number) && !has('filled', number),
  );
}

describe('open ranges', () => {
  it('are the numbers of open entries that no filled entry has, of any ledger', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
        const found = openGaps(entries);
        for (const symbol of ['BHP', 'RIO']) {
          const numbers = new Set<number>();
          for (const gap of found.filter((of) => of.symbol === symbol))
            for (let number = gap.sequenceFrom; number <= gap.sequenceTo; number++) numbers.add(number);
          expect([...numbers].sort((a, b) => a - b)).toEqual(missingNumbers(entries, symbol));
        }
      }),
    );
  });

  it('keep the times of the entry that they are left of, and the order of their numbers', () => {
    const gaps = [
      gapRecord({ sequenceFrom: 11, sequenceTo: 12, fromTimeUs: 7, toTimeUs: 8 }),
      gapRecord({ status: 'filled', sequenceFrom: 3, sequenceTo: 4, fromTimeUs: 1, toTimeUs: 2 }),
      gapRecord({ sequenceFrom: 1, sequenceTo: 9, fromTimeUs: 1, toTimeUs: 2 }),
    ];
    expect(openGaps(gaps)).toMatchObject([
      { sequenceFrom: 1, sequenceTo: 2, fromTimeUs: 1, toTimeUs: 2 },
      { sequenceFrom: 5, sequenceTo: 9, fromTimeUs: 1, toTimeUs: 2 },
      { sequenceFrom: 11, sequenceTo: 12, fromTimeUs: 7, toTimeUs: 8 },
    ]);
  });

  it('refuse entries that are not sorted: a fill that came before its range would be missed', () => {
    const ranges = new OpenRanges(new MissingRanges());
    ranges.begin(gapRecord());
    ranges.addFilled(5, 5);
    expect(() => ranges.addOpen(1, 9, 0, 0)).toThrow('1 after 5');
  });
});

describe('missing ranges as columns', () => {
  it('give back what they were given, over series and however many', () => {
    const ranges = new MissingRanges();
    const given: unknown[][] = [];
    for (let at = 0; at < 1_000; at++) {
      const series = gapRecord({ symbol: `S${Math.floor(at / 300)}` });
      given.push([series, at, at + 1, at * 2, at * 3]);
    }
    const sink: Pick<MissingTicksSink, 'add'> = ranges;
    for (const of of given) sink.add(...(of as Parameters<MissingTicksSink['add']>));
    const got: unknown[][] = [];
    ranges.forEach({ add: (...of) => got.push(of) });
    expect(got).toEqual(given);
    expect(ranges.sizeBytes).toBeGreaterThanOrEqual(1_000 * 40);
  });
});
