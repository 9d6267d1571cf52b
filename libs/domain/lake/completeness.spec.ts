import { describe, expect, it } from '@jest/globals';
import { gapRecord, sessionRecord } from '@k2/testing/builders';
import { completeness, GAPS_LISTED_MAX, type CoverageScope } from './index.ts';

const scope: CoverageScope = { recordType: 'trades', exchange: 'ASX', symbols: ['BHP'], fromUs: 0, toUs: 100 };
const session = sessionRecord({ eventTimeUs: 10 });
const gap = gapRecord({ sequenceFrom: 4, sequenceTo: 6, fromTimeUs: 40, toTimeUs: 50 });

describe('completeness', () => {
  it('is complete where the venue numbers its ticks and none is missing', () => {
    expect(completeness(scope, [], [session])).toEqual({ status: 'complete' });
  });

  it('names the ranges that are missing', () => {
    expect(completeness(scope, [gap], [session])).toMatchObject({
      status: 'gaps',
      gapCount: 1,
      missingTicks: 3,
      gaps: [{ symbol: 'BHP', sequenceFrom: 4, sequenceTo: 6 }],
    });
  });

  it('takes what arrived late out of the ranges', () => {
    const filled = (from: number, to: number) =>
      gapRecord({ ...gap, status: 'filled', sequenceFrom: from, sequenceTo: to });
    const partly = completeness(scope, [gap, filled(5, 5)], [session]);
    expect(partly).toMatchObject({
      missingTicks: 2,
      gaps: [
        { sequenceFrom: 4, sequenceTo: 4 },
        { sequenceFrom: 6, sequenceTo: 6 },
      ],
    });
    expect(completeness(scope, [filled(5, 6), gap, filled(4, 4)], [session])).toEqual({ status: 'complete' });
  });

  it('looks at exactly the instruments, record type and times asked for', () => {
    for (const other of [{ symbol: 'RIO' }, { exchange: 'NYSE' }, { recordType: 'quotes' as const }]) {
      expect(completeness(scope, [gapRecord({ ...gap, ...other })], [session])).toEqual({ status: 'complete' });
    }
    const within = (fromUs: number, toUs: number) => completeness({ ...scope, fromUs, toUs }, [gap], [session]).status;
    expect([within(0, 40), within(0, 41), within(50, 60), within(51, 60)]).toEqual([
      'complete',
      'gaps',
      'gaps',
      'complete',
    ]);
  });

  it('is unverifiable where the venue does not number its ticks', () => {
    const unnumbered = sessionRecord({ ...session, sequenceOrigin: 'arrival' });
    expect(completeness(scope, [], [unnumbered])).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('ASX'),
    });
  });

  it('still names a gap that is known where the venue does not number its ticks', () => {
    const unnumbered = sessionRecord({ ...session, sequenceOrigin: 'arrival' });
    expect(completeness(scope, [gap], [unnumbered])).toMatchObject({ status: 'gaps' });
  });

  it('is unverifiable where nothing was recorded', () => {
    expect(completeness(scope, [], [])).toMatchObject({ status: 'unverifiable' });
    expect(completeness({ ...scope, symbols: ['BHP', 'RIO'] }, [], [session])).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('RIO'),
    });
    expect(completeness({ ...scope, toUs: 10 }, [], [session])).toMatchObject({ status: 'unverifiable' });
  });

  it('asks only the sessions that the times touch', () => {
    const earlier = sessionRecord({ session: 'a', eventTimeUs: 10, sequenceOrigin: 'arrival' });
    const later = sessionRecord({ session: 'b', eventTimeUs: 60 });
    expect(completeness({ ...scope, fromUs: 60 }, [], [earlier, later])).toEqual({ status: 'complete' });
    expect(completeness({ ...scope, fromUs: 59 }, [], [earlier, later])).toMatchObject({ status: 'unverifiable' });
  });

  it('lists a bounded number of gaps and counts all', () => {
    const many = Array.from({ length: GAPS_LISTED_MAX + 5 }, (_, i) =>
      gapRecord({ ...gap, sequenceFrom: 10 * i, sequenceTo: 10 * i + 1 }),
    );
    const judged = completeness(scope, many, [session]);
    expect(judged).toMatchObject({ gapCount: many.length, missingTicks: 2 * many.length });
    expect(judged.status === 'gaps' && judged.gaps.length).toBe(GAPS_LISTED_MAX);
  });
});
