import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compactionGroups, mergedFileCount, type CompactableFile, type CompactionRule } from './index.ts';

const MB = 2 ** 20;
const DAY_US = 86_400_000_000;
const RULE: CompactionRule = {
  fileBytesTarget: 256 * MB,
  filesMin: 4,
  closedBeforeUs: 10 * DAY_US,
  groupBytesMax: 1_024 * MB,
  groupFilesMax: 1_000,
};
const OPEN = { partition: 'today', partitionEndUs: 11 * DAY_US };
const CLOSED = { partition: 'yesterday', partitionEndUs: 9 * DAY_US };

const file = (changes: Partial<CompactableFile> = {}): CompactableFile => ({
  ...OPEN,
  addedUs: 8 * DAY_US,
  sizeBytes: MB,
  rowCount: 100_000,
  isSorted: true,
  ...changes,
});
const several = (count: number, changes: Partial<CompactableFile> = {}) =>
  Array.from({ length: count }, () => file(changes));
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

/** What the files are after every group was merged; `share` of the bytes is left. */
function merged(files: readonly CompactableFile[], rule: CompactionRule, share = 0.8): readonly CompactableFile[] {
  const groups = compactionGroups(files, rule);
  const gone = new Set(groups.flatMap((group) => group.files));
  const made = groups.flatMap(({ files: inputs, sizeBytes, rowCount }) => {
    const count = mergedFileCount(sizeBytes, rule.fileBytesTarget);
    return Array.from({ length: count }, () => ({
      ...inputs[0],
      addedUs: Math.max(...inputs.map(({ addedUs }) => addedUs)),
      isSorted: true,
      sizeBytes: Math.ceil((sizeBytes * share) / count),
      rowCount: Math.ceil(rowCount / count),
    }));
  });
  return [...files.filter((one) => !gone.has(one)), ...made];
}

describe('compactionGroups', () => {
  it('waits for enough files of about one size while their partition is written to', () => {
    expect(compactionGroups(several(3), RULE)).toEqual([]);
    expect(compactionGroups([...several(3), file({ rowCount: 5_000_000 })], RULE)).toEqual([]);
    expect(compactionGroups(several(4), RULE).map((group) => group.files.length)).toEqual([4]);
  });

  it('takes smaller files along, and the tier above where the merged file fills it', () => {
    const small = several(2, { rowCount: 10 });
    expect(compactionGroups([...small, ...several(4)], RULE)[0].files).toHaveLength(6);
    // 4 × 100,000 rows are of the tier of 262,144 rows and more, which has three files already.
    const above = several(3, { rowCount: 300_000 });
    expect(compactionGroups([...above, ...several(4)], RULE)[0].files).toHaveLength(7);
  });

  it('merges all small files of a finished partition, two of them too', () => {
    const files = [file(CLOSED), file({ ...CLOSED, sizeBytes: 150 * MB, rowCount: 9_000_000 })];
    expect(compactionGroups(files, RULE)).toMatchObject([{ sizeBytes: 151 * MB, rowCount: 9_100_000 }]);
    expect(compactionGroups([files[0]], RULE)).toEqual([]);
  });

  it('leaves files alone that are large and sorted, and rewrites unsorted ones once nothing is added any more', () => {
    const large = { sizeBytes: 192 * MB, rowCount: 10_000_000 };
    expect(compactionGroups(several(9, { ...CLOSED, ...large }), RULE)).toEqual([]);
    expect(compactionGroups([file({ ...OPEN, ...large, isSorted: false })], RULE)).toEqual([]);
    expect(compactionGroups([file({ ...CLOSED, ...large, isSorted: false })], RULE)).toHaveLength(1);
  });

  it('treats a partition as open while late rows still come', () => {
    const late = file({ ...CLOSED, addedUs: RULE.closedBeforeUs });
    expect(compactionGroups([file(CLOSED), late], RULE)).toEqual([]);
    expect(compactionGroups([file(CLOSED), late], { ...RULE, closedBeforeUs: late.addedUs + 1 })).toHaveLength(1);
  });

  it('never finishes a partition without a time', () => {
    expect(compactionGroups(several(3, { partitionEndUs: null }), RULE)).toEqual([]);
    expect(compactionGroups(several(4, { partitionEndUs: null }), RULE)).toHaveLength(1);
  });

  it('merges first where the most files are saved for the bytes read', () => {
    const wide = several(4, { partition: 'wide', sizeBytes: 100 * MB });
    const narrow = several(40, { partition: 'narrow', sizeBytes: 1_000 });
    expect(compactionGroups([...wide, ...narrow], RULE).map(({ files }) => files[0].partition)).toEqual([
      'narrow',
      'wide',
    ]);
  });

  const anyFile = fc
    .record({
      closed: fc.boolean(),
      day: fc.nat(2),
      addedUs: fc.integer({ min: 7, max: 9 }).map((day) => day * DAY_US),
      rowCount: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 20_000_000 })),
      isSorted: fc.boolean(),
    })
    .map(({ closed, day, rowCount, ...rest }) => {
      const { partition, partitionEndUs } = closed ? CLOSED : OPEN;
      return file({
        ...rest,
        rowCount,
        partition: `${partition} ${day}`,
        partitionEndUs,
        sizeBytes: 4_000 + rowCount * 12,
      });
    });
  const anyFiles = fc.array(anyFile, { maxLength: 120 });

  it('chooses each file once, only with files of its partition, within the bounds, and never one alone but to sort it', () => {
    const rule = { ...RULE, groupFilesMax: 20 };
    fc.assert(
      fc.property(anyFiles, (files) => {
        const groups = compactionGroups(files, rule);
        const chosen = groups.flatMap((group) => group.files);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.every((one) => files.includes(one))).toBe(true);
        for (const group of groups) {
          expect(new Set(group.files.map(({ partition }) => partition)).size).toBe(1);
          expect(group.sizeBytes).toBe(sum(group.files.map(({ sizeBytes }) => sizeBytes)));
          expect(group.sizeBytes).toBeLessThanOrEqual(rule.groupBytesMax);
          expect(group.files.length).toBeLessThanOrEqual(rule.groupFilesMax);
          expect(group.files.length > 1 || !group.files[0].isSorted).toBe(true);
        }
      }),
    );
  });

  it('chooses nothing again once everything chosen was merged, in a few runs where groups had to be cut', () => {
    fc.assert(
      fc.property(anyFiles, fc.double({ min: 0.7, max: 1, noNaN: true }), (files, share) => {
        const unbounded = { ...RULE, groupBytesMax: Infinity };
        expect(compactionGroups(merged(files, unbounded, share), unbounded)).toEqual([]);
        let state: readonly CompactableFile[] = files;
        for (let run = 0; run < 4; run++) state = merged(state, RULE, share);
        expect(compactionGroups(state, RULE)).toEqual([]);
      }),
    );
  });

  it('rewrites a row a logarithmic number of times, and keeps few files, however small the commits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 400, maxLength: 400 }),
        fc.integer({ min: 2, max: 8 }),
        (commits, filesMin) => {
          const rule = { ...RULE, filesMin, fileBytesTarget: 10 * MB, groupBytesMax: 40 * MB };
          const rewrites = new Map<CompactableFile, number>();
          let files: readonly CompactableFile[] = [];
          for (const rowCount of commits) {
            const added = file({ rowCount, sizeBytes: 12 * rowCount });
            rewrites.set(added, 0);
            const before = [...files, added];
            files = merged(before, rule, 1);
            const times = before.filter((one) => !files.includes(one)).map((one) => rewrites.get(one)!);
            for (const made of files.filter((one) => !rewrites.has(one))) rewrites.set(made, 1 + Math.max(...times));
          }
          const tiers = Math.ceil(Math.log(sum(commits)) / Math.log(filesMin)) + 1;
          expect(Math.max(...files.map((one) => rewrites.get(one)!))).toBeLessThanOrEqual(tiers);
          const unfinished = files.filter(({ sizeBytes }) => sizeBytes < 0.75 * rule.fileBytesTarget);
          expect(unfinished.length).toBeLessThanOrEqual(tiers * (filesMin - 1));
          expect(sum(files.map((one) => one.rowCount))).toBeGreaterThanOrEqual(sum(commits));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('leaves a finished partition with files that are large, or with one', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { minLength: 1, maxLength: 60 }), (files) => {
        const closed = files.map((one) => ({ ...one, ...CLOSED }));
        const unbounded = { ...RULE, groupBytesMax: Infinity };
        const left = merged(closed, unbounded);
        const small = left.filter(({ sizeBytes }) => sizeBytes < 0.75 * RULE.fileBytesTarget);
        expect(small.length).toBeLessThanOrEqual(1);
        expect(left.every(({ isSorted }) => isSorted)).toBe(true);
      }),
    );
  });
});
