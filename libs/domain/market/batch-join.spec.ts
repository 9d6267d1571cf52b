import { describe, expect, it } from '@jest/globals';
import { arbitraryQuoteBatch, arbitraryTradeBatch, placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { joinBatches, tickJson, type TickBatch } from './index.ts';

describe('joinBatches', () => {
  it('has every row of every batch in its order, at its place in the log', () => {
    const anyBatches: fc.Arbitrary<TickBatch[]> = fc.oneof(
      fc.array(arbitraryTradeBatch(), { minLength: 1, maxLength: 5 }),
      fc.array(arbitraryQuoteBatch(), { minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(anyBatches, (batches) => {
        const parts = batches.map((batch, offset) => placed(batch, 3 * offset));
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
