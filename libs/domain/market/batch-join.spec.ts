import { describe, expect, it } from '@jest/globals';
import { arbitraryQuoteBatch, arbitraryTradeBatch, placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { joinBatches, joinSmallBatches, tickJson, type PlacedBatch, type TickBatch } from './index.ts';

describe('joinBatches', () => {
  it('has every row of every batch in its order, at its place in the log', () => {
    const anyBatches: fc.Arbitrary<TickBatch[]> = fc.oneof(
      fc.array(arbitraryTradeBatch(), { minLength: 1, maxLength: 5 }),
      fc.array(arbitraryQuoteBatch(), { minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(anyBatches, (batches) => {
        const parts = batches.map((batch, offset) => placed(batch, 2 ** 37 - 2 + offset));
        const whole = joinBatches(parts);
        const expected = parts.flatMap(({ batch, platformSequence }) =>
          Array.from(platformSequence, (sequence, row) => ({ sequence, tick: tickJson(batch, row) })),
        );
        const found = Array.from(whole.platformSequence, (sequence, row) => ({
          sequence,
          tick: tickJson(whole.batch, row),
        }));
        expect(found).toEqual(expected);
      }),
    );
  });

  it('names a series once, also where its batches have an object of their own for it', () => {
    const batches = [tradeBatch(), structuredClone(tradeBatch())];
    const { batch } = joinBatches(batches.map((of, offset) => placed(of, offset)));
    expect(batch.series).toEqual(tradeBatch().series);
  });

  it('refuses batches of several types', () => {
    expect(() => joinBatches([placed(tradeBatch()), placed(quoteBatch())])).toThrow(RangeError);
  });
});

describe('joinSmallBatches', () => {
  const rowsOf = (parts: readonly PlacedBatch[], recordType: TickBatch['recordType']) =>
    parts
      .filter(({ batch }) => batch.recordType === recordType)
      .flatMap(({ batch, platformSequence }) =>
        Array.from(platformSequence, (sequence, row) => ({ sequence, tick: tickJson(batch, row) })),
      );

  it('has the rows of each record type in their order, in one batch where there are few', () => {
    const anyBatches = fc.array(fc.oneof(arbitraryTradeBatch(), arbitraryQuoteBatch()), { maxLength: 6 });
    fc.assert(
      fc.property(anyBatches, (batches) => {
        const parts = batches.map((batch, offset) => placed(batch, 3 * offset));
        const joined = joinSmallBatches(parts);
        for (const recordType of ['trades', 'quotes'] as const) {
          expect(rowsOf(joined, recordType)).toEqual(rowsOf(parts, recordType));
        }
        expect(joined).toHaveLength(new Set(batches.map(({ recordType }) => recordType)).size);
      }),
    );
  });

  it('leaves large batches as they are, in their place', () => {
    const large = placed(tradeBatch({ count: 8_192 }), 1);
    const joined = joinSmallBatches([placed(tradeBatch(), 0), large, placed(tradeBatch(), 2)]);
    expect(joined).toHaveLength(3);
    expect(joined[1]).toBe(large);
  });

  it('makes no batch of more rows than a batch has', () => {
    const small = Array.from({ length: 20 }, (_, offset) => placed(tradeBatch({ count: 5_000 }), offset));
    const joined = joinSmallBatches(small);
    expect(joined.map(({ batch }) => batch.rowCount)).toEqual([65_000, 35_000]);
  });
});
