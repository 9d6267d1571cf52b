import { describe, expect, it } from '@jest/globals';
import { gapRecord, sessionRecord } from '@k2/testing/builders';
import {
  completeness as judgedBy,
  GAPS_LISTED_MAX,
  GapTally,
  openGaps,
  SessionSpans,
  SessionStarts,
  type Alteration,
  type CoverageScope,
  type SequenceGapRecord,
  type SessionRecord,
  type TableAlterations,
} from './index.ts';

const scope: CoverageScope = { recordType: 'trades', exchange: 'ASX', symbols: ['BHP'], fromUs: 0, toUs: 100 };
const session = sessionRecord({ eventTimeUs: 10 });
const gap = gapRecord({ sequenceFrom: 4, sequenceTo: 6, fromTimeUs: 40, toTimeUs: 50 });

/** Judges by the entries of a ledger that are of the scope's record type and instruments. */
function completeness(
  of: CoverageScope,
  gaps: readonly SequenceGapRecord[],
  sessions: readonly SessionRecord[],
  alterations?: TableAlterations,
) {
  const isOfScope = ({ recordType, exchange, symbol }: SequenceGapRecord | SessionRecord) =>
    recordType === of.recordType && exchange === of.exchange && of.symbols!.includes(symbol);
  const starts = new SessionStarts();
  const missing = new GapTally(of, GAPS_LISTED_MAX, starts);
  const spans = new SessionSpans(true);
  const byInstrument = sessions
    .filter(isOfScope)
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : a.eventTimeUs - b.eventTimeUs));
  for (const one of byInstrument) {
    const { recordType, exchange, symbol, sequenceOrigin, firstSequence, eventTimeUs } = one;
    spans.add({ recordType, exchange, symbol, isNumbered: sequenceOrigin === 'venue' }, firstSequence, eventTimeUs);
    starts.add(one, firstSequence, eventTimeUs);
  }
  spans.end();
  for (const gap of openGaps(gaps.filter(isOfScope)))
    missing.add(gap, gap.sequenceFrom, gap.sequenceTo, gap.fromTimeUs, gap.toTimeUs);
  return judgedBy(of, missing.known, spans, alterations);
}

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

  it('says of times before the first tick seen that earlier ones are known only if they came late', () => {
    const lateFirst = sessionRecord({ firstSequence: 2, eventTimeUs: 60 });
    const reason =
      'these times are before the first tick seen of BHP: earlier ticks are known only if they arrived after it';
    expect(completeness({ ...scope, toUs: 60 }, [], [lateFirst])).toEqual({ status: 'unverifiable', reason });
    const both = { ...scope, symbols: ['BHP', 'RIO'], toUs: 60 };
    expect(completeness(both, [], [lateFirst])).toEqual({
      status: 'unverifiable',
      reason: 'nothing was recorded for RIO',
    });
  });

  it("counts what is missing before a session's first tick from the session before on, and from any time if there is none", () => {
    const sessions = [
      sessionRecord({ session: 'a', firstSequence: 3, eventTimeUs: 20 }),
      sessionRecord({ session: 'b', firstSequence: 3, eventTimeUs: 60 }),
    ];
    const at = (session: string, timeUs: number, changes: Partial<SequenceGapRecord> = {}) =>
      gapRecord({ session, sequenceFrom: 1, sequenceTo: 2, fromTimeUs: timeUs, toTimeUs: timeUs, ...changes });
    const within = (gap: SequenceGapRecord, fromUs: number, toUs: number) =>
      completeness({ ...scope, fromUs, toUs }, [gap], sessions).status;
    expect(within(at('a', 20), 0, 1)).toBe('gaps');
    expect(within(at('a', 20), 21, 60)).toBe('complete');
    expect(within(at('b', 60), 21, 60)).toBe('gaps');
    expect(within(at('b', 60), 0, 20)).toBe('unverifiable');
    // Refused later in the session: its time is known.
    expect(within(at('b', 60, { sequenceFrom: 3, sequenceTo: 3 }), 21, 60)).toBe('complete');
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

describe('completeness of a table whose rows were changed', () => {
  const change: Alteration = {
    cause: 'retention',
    exchange: 'ASX',
    fromUs: 0,
    toUs: 50,
    removedRows: 7,
    addedRows: 0,
    snapshotId: 81n,
    committedUs: 1_000,
    operation: 'delete',
  };
  const foreign: Alteration = { ...change, cause: 'other-engine', operation: 'overwrite' };
  const judged = (
    ticks: readonly Alteration[],
    changes: Partial<CoverageScope> = {},
    ledger: readonly Alteration[] = [],
  ) => completeness({ ...scope, ...changes }, [gap], [session], { ticks, ledger });

  it('is removed where retention dropped rows of these times, and names the gaps besides', () => {
    expect(judged([change])).toEqual({
      status: 'removed',
      removals: [change],
      removedRows: 7,
      gaps: [expect.objectContaining({ sequenceFrom: 4 })],
      gapCount: 1,
      missingTicks: 3,
    });
    expect(judged([change], { fromUs: 50 })).toMatchObject({ status: 'gaps' });
    expect(judged([{ ...change, exchange: 'NYSE' }])).toMatchObject({ status: 'gaps' });
  });

  it('is not removed for an instrument that was first seen later', () => {
    expect(completeness(scope, [], [sessionRecord({ eventTimeUs: 60 })], { ticks: [change], ledger: [] })).toEqual({
      status: 'complete',
    });
  });

  it('is never complete where a tick of an instrument can be among rows removed before its first tick seen', () => {
    const lateFirst = sessionRecord({ firstSequence: 2, eventTimeUs: 60 });
    const start = { sequenceFrom: 1, sequenceTo: 1, fromTimeUs: 60, toTimeUs: 60 };
    const settled = [gapRecord(start), gapRecord({ ...start, status: 'filled' })];
    const of = (change: Alteration, times: Partial<CoverageScope>) =>
      completeness({ ...scope, ...times }, settled, [lateFirst], { ticks: [change], ledger: [] }).status;
    expect(of(change, {})).toBe('removed');
    expect(of(change, { fromUs: 49 })).toBe('removed');
    expect(of(change, { fromUs: 50 })).toBe('complete');
    expect(of(foreign, {})).toBe('unverifiable');
    expect(of({ ...foreign, fromUs: null, toUs: null }, { fromUs: 50 })).toBe('unverifiable');
  });

  it('is unverifiable where another engine changed rows of these times, whatever gaps are known', () => {
    expect(judged([change, foreign])).toEqual({
      status: 'unverifiable',
      reason: expect.stringContaining('snapshot 81 (overwrite), which K2 did not commit, removed 7 rows of ASX'),
    });
    expect(judged([foreign], { fromUs: 50 })).toMatchObject({ status: 'gaps' });
  });

  it('is unverifiable where another engine put rows in, of instruments never recorded too', () => {
    const added = { ...foreign, removedRows: 0, addedRows: 3 };
    expect(completeness(scope, [], [sessionRecord({ eventTimeUs: 60 })], { ticks: [added], ledger: [] })).toMatchObject(
      {
        status: 'unverifiable',
        reason: expect.stringContaining('added 3 rows'),
      },
    );
  });

  it('is unverifiable where another engine changed the ledger, at whatever times', () => {
    expect(judged([], { fromUs: 50 }, [foreign])).toMatchObject({
      status: 'unverifiable',
      reason: expect.stringContaining('the gap ledger was changed otherwise than by K2'),
    });
    expect(judged([], {}, [{ ...foreign, exchange: 'NYSE' }])).toMatchObject({ status: 'gaps' });
  });
});
