import { describe, expect, it } from '@jest/globals';
import { DAY_START_US, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { US_PER_DAY } from '../market/index.ts';
import { inspectBatch, REFUSALS } from './index.ts';

const refusals = (...batch: Parameters<typeof inspectBatch>) =>
  Array.from(inspectBatch(...batch) ?? [], (refusal) => REFUSALS[refusal]);

describe('inspectBatch', () => {
  it('says nothing of a batch without fault', () => {
    expect(inspectBatch(tradeBatch())).toBeNull();
    expect(inspectBatch(quoteBatch())).toBeNull();
  });

  it('refuses equities at a price that is not positive', () => {
    const rows = [{ price: 1n }, { price: 0n }, { price: -1n }, { price: -(2n ** 40n) }];
    expect(refusals(tradeBatch({ rows }))).toEqual(['accepted', ...Array(3).fill('price-not-positive')]);
  });

  it('takes futures at a price below zero', () => {
    const oil = tradeBatch({ series: { assetClass: 'futures' }, rows: [{ price: -3_763_000_000n }] });
    expect(inspectBatch(oil)).toBeNull();
  });

  it('refuses trades of nothing', () => {
    expect(refusals(tradeBatch({ rows: [{ quantity: 0n }, { quantity: -1n }] }))).toEqual(
      Array(2).fill('quantity-not-positive'),
    );
  });

  it('takes crossed quotes and empty sides', () => {
    const rows = [{ bidPrice: 4_000_000_000n }, { askPrice: 0n, askQuantity: 0n }, { bidPrice: -1n, bidQuantity: 0n }];
    expect(inspectBatch(quoteBatch({ rows }))).toBeNull();
  });

  it('refuses quotes of a negative quantity or, for a quantity, at no price', () => {
    const rows = [{ bidQuantity: -1n }, { askPrice: 0n }];
    expect(refusals(quoteBatch({ rows }))).toEqual(['quantity-negative', 'price-not-positive']);
  });

  it('refuses times before 1970 and more than a day ahead of our clock', () => {
    const times = [-1, DAY_START_US + US_PER_DAY, DAY_START_US + US_PER_DAY + 1];
    const rows = times.map((eventTimeUs) => ({ eventTimeUs, receiveTimeUs: DAY_START_US }));
    expect(refusals(tradeBatch({ rows }))).toEqual(['time-out-of-range', 'accepted', 'time-out-of-range']);
  });
});
