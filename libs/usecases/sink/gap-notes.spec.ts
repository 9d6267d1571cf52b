import { openGaps, type SequenceGapRecord } from '@k2/domain/lake';
import { tradeBatch } from '@k2/testing/builders';
import { GapNotes } from './gap-notes.ts';

const filled = (sequenceFrom: number, sequenceTo: number): SequenceGapRecord => ({
  recordType: 'trades',
  exchange: 'ASX',
  symbol: 'BHP',
  session: '2014-03-10',
  status: 'filled',
  sequenceFrom,
  sequenceTo,
  fromTimeUs: 1,
  toTimeUs: 2,
  detectedTimeUs: 3,
  platformSequence: 4n,
});

const ranges = (records: readonly SequenceGapRecord[]) =>
  records.map(({ status, sequenceFrom, sequenceTo }) => `${status} ${sequenceFrom}-${sequenceTo}`);

function refusing(notes: GapNotes, firstSequence: number, count: number): readonly SequenceGapRecord[] {
  const batch = tradeBatch({ firstSequence, count });
  for (let row = 0; row < count; row++) notes.refused(batch, row, BigInt(row));
  return notes.records;
}

describe('GapNotes', () => {
  it('makes one record of refused numbers that follow each other, with the times of all', () => {
    const [note, ...others] = refusing(new GapNotes([]), 5, 3);
    expect(others).toEqual([]);
    expect(note).toMatchObject({ status: 'open', sequenceFrom: 5, sequenceTo: 7, platformSequence: 0n });
    expect(note.toTimeUs - note.fromTimeUs).toBe(2_000);
  });

  it('leaves open what a refused tick would have filled, at either end, in the middle, and all of it', () => {
    expect(ranges(refusing(new GapNotes([filled(5, 9)]), 7, 1))).toEqual(['filled 5-6', 'filled 8-9']);
    expect(ranges(refusing(new GapNotes([filled(5, 9)]), 5, 1))).toEqual(['filled 6-9']);
    expect(ranges(refusing(new GapNotes([filled(5, 9)]), 9, 1))).toEqual(['filled 5-8']);
    expect(ranges(refusing(new GapNotes([filled(8, 9), filled(5, 6)]), 5, 5))).toEqual(['open 7-7']);
  });

  it('gap-notes.many: 65,536 refused rows among as many filled holes are noted at once', () => {
    const holes = Array.from({ length: 65_536 }, (_, at) => filled(2 * at + 1, 2 * at + 1));
    const notes = new GapNotes(holes.toReversed());
    const batch = tradeBatch({ rows: holes.map(({ sequenceFrom }) => ({ venueSequence: sequenceFrom })) });
    for (let row = 0; row < batch.rowCount; row += 2) notes.refused(batch, row, BigInt(row));
    expect(openGaps(notes.records)).toEqual([]);
    expect(notes.records).toHaveLength(32_768);
  });
});
