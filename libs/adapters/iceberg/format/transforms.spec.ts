import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PrimitiveType } from './schema.ts';
import { compareValues, type Value } from './single-value.ts';
import { bucketHash, parseTransform } from './transforms.ts';

describe('partition transforms', () => {
  // Table spec, Appendix B: "32-bit hash requirements".
  it.each<[PrimitiveType, Value, number]>([
    ['int', 34, 2_017_239_379],
    ['long', 34, 2_017_239_379],
    ['decimal(9, 2)', 1_420n, -500_754_589],
    ['date', 17_486, -653_330_422],
    ['timestamptz', 1_510_871_468_000_000, -2_047_944_441],
    ['string', 'iceberg', 1_210_000_089],
    ['binary', Uint8Array.of(0, 1, 2, 3), -188_683_207],
  ])('hash of %s %p', (type, value, expected) => {
    expect(bucketHash(value, type)).toBe(expected);
  });

  it('counts days, months, years and hours from 1970, also backwards', () => {
    const apply = (name: string, us: number) => parseTransform(name).apply(us, 'timestamptz');
    // 2017-12-01T10:12:55.038194Z, as in the table spec's tests; and the microsecond before 1970.
    const names = ['year', 'month', 'day', 'hour'];
    expect(names.map((name) => apply(name, 1_512_123_175_038_194))).toEqual([47, 575, 17_501, 420_034]);
    expect(names.map((name) => apply(name, -1))).toEqual([-1, -1, -1, -1]);
    expect(parseTransform('day').resultType('timestamptz')).toBe('date');
  });

  it('truncates numbers downwards and strings to code points', () => {
    const apply = (value: Value, type: PrimitiveType, width = 10) =>
      parseTransform(`truncate[${width}]`).apply(value, type);
    expect([apply(1, 'int'), apply(-1, 'int'), apply(1_065n, 'decimal(9, 2)'), apply(-1n, 'decimal(9, 2)')]).toEqual([
      0,
      -10,
      1_060n,
      -10n,
    ]);
    expect(apply('😀😀ab', 'string', 3)).toBe('😀😀a');
  });

  it('keep the order of values where they say so', () => {
    const names = ['identity', 'day', 'month', 'year', 'hour', 'truncate[7]'];
    const time = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
    fc.assert(
      fc.property(fc.constantFrom(...names), time, time, (name, a, b) => {
        const transform = parseTransform(name);
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) => transform.apply(value, 'timestamptz')!);
        expect(transform.preservesOrder && compareValues(low!, high!) <= 0).toBe(true);
      }),
    );
    expect(parseTransform('bucket[4]').preservesOrder).toBe(false);
  });

  it('refuses what is none', () => {
    for (const name of ['week', 'bucket[0]', 'bucket', 'truncate[]'])
      expect(() => parseTransform(name)).toThrow(RangeError);
  });
});
