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

it('an answer from before the first commit says so', () => {
  const completeness = { status: 'unverifiable', reason: 'nothing was recorded' } as const;
  expect(describeProvenance({ completeness, snapshotId: null })).toContain('nothing committed yet');
});
