import { expect, it } from '@jest/globals';
import { ALTERATIONS_MAX, type Alteration, type Completeness, type MissingTicks } from '@k2/domain/lake';
import { completenessJson, provenanceHeaders } from './provenance.ts';

const gap = (at: number): MissingTicks => ({
  recordType: 'trades',
  exchange: 'ASX',
  symbol: 'Ωé',
  session: '2014-03-10',
  sequenceFrom: at,
  sequenceTo: at,
  fromTimeUs: 1_394_409_600_000_000,
  toTimeUs: 1_394_409_600_000_001,
});
const completeness: Completeness = {
  status: 'gaps',
  gaps: Array.from({ length: 1_000 }, (_, at) => gap(at)),
  gapCount: 5_000,
  missingTicks: 5_000,
};

it('the header is short ASCII that counts all gaps and lists the first of them', () => {
  const header = provenanceHeaders({ completeness, snapshotId: 7n })['k2-completeness'];
  expect(header).toMatch(/^[\x20-\x7e]{1,4096}$/);
  const { gaps, ...counts } = JSON.parse(header);
  expect(counts).toEqual({ status: 'gaps', gapCount: 5_000, missingTicks: 5_000 });
  expect(gaps.length).toBeGreaterThan(10);
  expect(gaps[0]).toEqual({
    exchange: 'ASX',
    symbol: 'Ωé',
    session: '2014-03-10',
    sequenceFrom: 0,
    sequenceTo: 0,
    fromTime: '2014-03-10T00:00:00.000Z',
    toTime: '2014-03-10T00:00:00.000001Z',
  });
});

it('what retention removed is named before the gaps, in a header of the same length', () => {
  const removal: Alteration = {
    cause: 'retention',
    exchange: 'SIMX',
    fromUs: 1_394_409_600_000_000,
    toUs: null,
    removedRows: 17_866,
    addedRows: 0,
    snapshotId: 9_223_372_036_854_775_807n,
    committedUs: 1_394_409_600_000_000,
    operation: 'delete',
  };
  const removals = Array.from({ length: ALTERATIONS_MAX }, () => removal);
  const { gaps, gapCount, missingTicks } = completeness;
  const removed: Completeness = { status: 'removed', removals, removedRows: 5, gaps, gapCount, missingTicks };
  const header = provenanceHeaders({ completeness: removed, snapshotId: 7n })['k2-completeness'];
  expect(header).toMatch(/^[\x20-\x7e]{1,4096}$/);
  expect(JSON.parse(header)).toMatchObject({ status: 'removed', removedRows: 5, gapCount: 5_000 });
  expect((completenessJson(removed) as { removals: object[] }).removals[0]).toEqual({
    cause: 'retention',
    exchange: 'SIMX',
    fromTime: '2014-03-10T00:00:00.000Z',
    toTime: null,
    removedRows: 17_866,
    addedRows: 0,
    snapshotId: '9223372036854775807',
    committedTime: '2014-03-10T00:00:00.000Z',
    operation: 'delete',
  });
});

it('without a snapshot there is no id; the JSON lists every gap it is given', () => {
  expect(provenanceHeaders({ completeness: { status: 'complete' }, snapshotId: null })).toEqual({
    'k2-completeness': '{"status":"complete"}',
  });
  expect((completenessJson(completeness) as { gaps: object[] }).gaps).toHaveLength(1_000);
});
