import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseSeriesState, printSeriesState, type SeriesState } from './series-state.ts';

const range = { from: 4, to: 6, fromTimeUs: 1, toTimeUs: 2, detectedTimeUs: 3, reported: true };
const stateAt = (...positions: readonly bigint[]): SeriesState => ({
  generation: 0,
  openedTimeUs: 10,
  lastEventTimeUs: 20,
  trackedFrom: 1,
  forgotten: false,
  nextSequence: 9,
  missing: positions.map((platformSequence) => ({ ...range, platformSequence })),
});

describe('a printed series state', () => {
  it('is parsed without loss, whatever the positions in the log', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })), (positions) => {
        const state = stateAt(...positions);
        expect(parseSeriesState(printSeriesState(state))).toEqual(state);
      }),
    );
  });

  it('has positions up to 2^53 as numbers, as it always had, and those beyond as strings', () => {
    const text = '[0,10,20,1,0,9,[4,6,1,2,3,65536,1],[4,6,1,2,3,"9007199254740993",1]]';
    const state = stateAt(65_536n, 2n ** 53n + 1n);
    expect(printSeriesState(state)).toBe(text);
    expect(parseSeriesState(text)).toEqual(state);
  });
});
