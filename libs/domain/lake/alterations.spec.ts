import { describe, expect, it } from '@jest/globals';
import { ALTERATIONS_MAX, concerns, describeAlteration, mergedAlterations, type Alteration } from './index.ts';

const DAY_US = 86_400_000_000;
const alteration = (changes: Partial<Alteration> = {}): Alteration => ({
  cause: 'other-engine',
  exchange: 'SIMX',
  fromUs: 5 * DAY_US,
  toUs: 6 * DAY_US,
  removedRows: 10,
  addedRows: 0,
  snapshotId: 7n,
  committedUs: 1,
  operation: 'delete',
  ...changes,
});
const day = (n: number, changes: Partial<Alteration> = {}) =>
  alteration({ fromUs: n * DAY_US, toUs: (n + 1) * DAY_US, snapshotId: BigInt(n), committedUs: n, ...changes });

describe('mergedAlterations', () => {
  it('keeps what retention dropped of an exchange as one stretch, whatever the number of days', () => {
    const days = Array.from({ length: 400 }, (_, n) => day(n, { cause: 'retention' }));
    expect(mergedAlterations([...days, day(3, { cause: 'retention', exchange: 'ASX' })])).toEqual([
      day(399, { cause: 'retention', fromUs: 0, removedRows: 4_000 }),
      day(3, { cause: 'retention', exchange: 'ASX' }),
    ]);
  });

  it('keeps single days of other engines apart, and never more than the bound', () => {
    const few = [day(1), day(9)];
    expect(mergedAlterations(few)).toEqual(few);
    const many = Array.from({ length: ALTERATIONS_MAX + 1 }, (_, n) => day(n));
    expect(mergedAlterations(many)).toEqual([day(ALTERATIONS_MAX, { fromUs: 0, removedRows: 170 })]);
    const everywhere = many.map((one, n) => ({ ...one, exchange: `X${n}` }));
    expect(mergedAlterations(everywhere)).toMatchObject([{ exchange: null, fromUs: 0, removedRows: 170 }]);
  });

  it('never narrows what is unbounded', () => {
    const whole = day(4, { exchange: null, fromUs: null, toUs: null });
    const all = mergedAlterations([whole, ...Array.from({ length: 40 }, (_, n) => day(n, { exchange: `X${n}` }))]);
    expect(all).toMatchObject([{ exchange: null, fromUs: null, toUs: null }]);
  });
});

describe('concerns', () => {
  it('goes by exchange and half-open times', () => {
    const one = alteration();
    const within = (fromUs: number, toUs: number) => concerns(one, { exchange: 'SIMX', fromUs, toUs });
    expect([within(0, one.fromUs!), within(0, one.fromUs! + 1), within(one.toUs! - 1, 9e15)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(within(one.toUs!, 9e15)).toBe(false);
    expect([concerns(one, { exchange: 'ASX' }), concerns(one, {})]).toEqual([false, true]);
    expect(concerns(alteration({ exchange: null, fromUs: null, toUs: null }), { exchange: 'ASX', toUs: 1 })).toBe(true);
  });
});

describe('describeAlteration', () => {
  it('names snapshot, operation, rows, exchange and times', () => {
    expect(describeAlteration(alteration({ addedRows: 2 }))).toBe(
      'snapshot 7 (delete), which K2 did not commit, removed 10 and added 2 rows of SIMX from 1970-01-06T00:00:00.000Z to 1970-01-07T00:00:00.000Z',
    );
    expect(describeAlteration(alteration({ cause: 'retention', exchange: null, fromUs: null, toUs: null }))).toBe(
      'retention removed 10 rows',
    );
  });
});
