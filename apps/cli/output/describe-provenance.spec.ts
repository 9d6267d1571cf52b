import { expect, it } from '@jest/globals';
import { describeProvenance } from './describe-provenance.ts';

it('gaps are counted, and the first few named', () => {
  const gap = (symbol: string, sequenceFrom: number, sequenceTo: number) => {
    return { exchange: 'SIM', symbol, session: '2026-01-01', sequenceFrom, sequenceTo, fromTime: '', toTime: '' };
  };
  const gaps = [gap('A', 5, 5), gap('A', 7, 9), gap('B', 1, 2), gap('C', 1, 1)];
  const completeness = { status: 'gaps', gapCount: 1_004, missingTicks: 2_000, gaps } as const;
  expect(describeProvenance({ completeness, snapshotId: '1' })).toBe(
    'incomplete: 2,000 ticks missing in 1,004 gaps: SIM A 2026-01-01 5, SIM A 2026-01-01 7–9, SIM B 2026-01-01 1–2, … (k2 gaps lists them) · snapshot 1',
  );
});

it('what retention removed is named, with the gaps that are known besides', () => {
  const removal = {
    cause: 'retention',
    exchange: 'SIMX',
    fromTime: '2026-01-05T00:00:00.000Z',
    toTime: '2026-01-08T00:00:00.000Z',
    removedRows: 17_866,
    addedRows: 0,
    snapshotId: '7',
    committedTime: '2026-03-01T00:00:00.000Z',
    operation: 'delete',
  } as const;
  const removed = {
    status: 'removed',
    removedRows: 17_866,
    removals: [removal],
    gapCount: 0,
    missingTicks: 0,
    gaps: [],
  };
  const none = { completeness: { ...removed, status: 'removed' }, snapshotId: '1' } as const;
  expect(describeProvenance(none)).toBe(
    'incomplete: retention removed 17,866 rows of SIMX from 2026-01-05 until 2026-01-08 · snapshot 1',
  );
  const gap = { exchange: 'SIMX', symbol: 'A', session: '', sequenceFrom: 5, sequenceTo: 5, fromTime: '', toTime: '' };
  const some = { ...none, completeness: { ...none.completeness, gapCount: 1, missingTicks: 1, gaps: [gap] } };
  expect(describeProvenance(some)).toContain('; besides, 1 tick missing in 1 gap: SIMX A 5 · snapshot 1');
});

it('an answer from before the first commit says so', () => {
  const completeness = { status: 'unverifiable', reason: 'nothing was recorded' } as const;
  expect(describeProvenance({ completeness, snapshotId: null })).toContain('nothing committed yet');
});
