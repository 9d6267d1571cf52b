import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SessionSpans } from './index.ts';

const X = { recordType: 'trades', exchange: 'X' } as const;

interface Session {
  readonly symbol: string;
  readonly isNumbered: boolean;
  readonly timeUs: number;
}

const sessions = fc.uniqueArray(
  fc.record({
    symbol: fc.constantFrom('A', 'B', 'C'),
    isNumbered: fc.boolean(),
    timeUs: fc.integer({ min: 0, max: 30 }),
  }),
  { maxLength: 20, selector: ({ symbol, timeUs }) => `${symbol} ${timeUs}` },
);

/** Whether one of an instrument's sessions lies within the times, the slow and obvious way. */
function hasSession(
  all: readonly Session[],
  symbol: string,
  isNumbered: boolean,
  fromUs: number,
  toUs: number,
): boolean {
  const own = all.filter((session) => session.symbol === symbol).toSorted((a, b) => a.timeUs - b.timeUs);
  return own.some((session, at) => {
    const endUs = own[at + 1]?.timeUs ?? Infinity;
    return session.isNumbered === isNumbered && endUs > fromUs && session.timeUs < toUs;
  });
}

function spansOf(all: readonly Session[], hasSymbols: boolean): SessionSpans {
  const spans = new SessionSpans(hasSymbols);
  const sorted = all.toSorted((a, b) => (a.symbol === b.symbol ? a.timeUs - b.timeUs : a.symbol < b.symbol ? -1 : 1));
  for (const { symbol, isNumbered, timeUs } of sorted) spans.add({ ...X, symbol, isNumbered }, 1, timeUs);
  spans.end();
  return spans;
}

describe('session spans', () => {
  it('are found where one of their sessions lies within the times, of each instrument and of all together', () => {
    const times = fc.tuple(fc.integer({ min: 0, max: 35 }), fc.integer({ min: 1, max: 35 }));
    fc.assert(
      fc.property(sessions, times, (all, [fromUs, length]) => {
        const within = { fromUs, toUs: fromUs + length };
        const expected = ['A', 'B', 'C'].flatMap((symbol) =>
          [true, false]
            .filter((isNumbered) => hasSession(all, symbol, isNumbered, within.fromUs, within.toUs))
            .map((isNumbered) => ({ exchange: 'X', symbol, isNumbered })),
        );
        const found = spansOf(all, true).within(within);
        expect(found).toHaveLength(expected.length);
        expect(found).toEqual(expect.arrayContaining(expected));
        const kinds = (of: readonly { readonly isNumbered: boolean }[]) =>
          [...new Set(of.map((one) => one.isNumbered))].sort();
        expect(kinds(spansOf(all, false).within(within))).toEqual(kinds(expected));
      }),
    );
  });

  it('may have ticks before the first that was seen of an instrument, unless that had number 1', () => {
    const spans = new SessionSpans(true);
    const add = (symbol: string, firstSequence: number, timeUs: number) =>
      spans.add({ ...X, symbol, isNumbered: true }, firstSequence, timeUs);
    add('A', 2, 10);
    add('A', 1, 20);
    add('B', 1, 10);
    add('B', 2, 20);
    spans.end();
    const mayHave = (symbol: string, fromUs: number, toUs: number) =>
      spans.mayHaveTicks({ symbols: [symbol], fromUs, toUs });
    expect([mayHave('A', 0, 5), mayHave('A', 9, 10), mayHave('A', 10, 11)]).toEqual([true, true, true]);
    expect([mayHave('B', 0, 5), mayHave('B', 9, 10), mayHave('B', 10, 11)]).toEqual([false, false, true]);
    expect(spans.within({ symbols: ['A'], fromUs: 0, toUs: 10 })).toEqual([]);
  });

  it('take no more room for a thousand sessions than for one', () => {
    const all = Array.from({ length: 1_000 }, (_, day) => ({ symbol: 'A', isNumbered: true, timeUs: day }));
    expect(spansOf(all, true).sizeBytes).toBe(spansOf(all.slice(0, 1), true).sizeBytes);
  });

  it('refuse sessions that do not come by time', () => {
    const spans = new SessionSpans(true);
    spans.add({ ...X, symbol: 'A', isNumbered: true }, 1, 9);
    expect(() => spans.add({ ...X, symbol: 'A', isNumbered: true }, 1, 3)).toThrow('3 after one at 9');
  });
});
