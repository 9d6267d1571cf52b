import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DecimalError, parseDecimal } from '@k2/domain/market';
import { printAmount, readAmount, readAsxRow } from './asx-rows.ts';

const row = (price: string) => `07/02/2013,10:00:00.000,${price},100,0,,`;
const priceOf = (price: string) => readAsxRow(row(price), 'trades')?.amounts[0] ?? null;

function asLoaded(text: string): bigint | null {
  try {
    return parseDecimal(text);
  } catch (error) {
    if (error instanceof DecimalError) return null;
    throw error;
  }
}

describe('an amount', () => {
  it.each([
    ['.5', 50_000_000n],
    ['7.', 700_000_000n],
    ['+1', 100_000_000n],
    ['-.00000001', -1n],
    ['1.1000000000', 110_000_000n],
    ['9999999999.99999999', 999_999_999_999_999_999n],
  ])('%s is one', (text, amount) => {
    expect(priceOf(text)).toBe(amount);
  });

  it.each(['', '.', '-', '+.', '1.2.3', '1e3', ' 1', '0x1', '--1', '1.000000001', '10000000000'])(
    '%j is none',
    (text) => {
      expect(priceOf(text)).toBeNull();
    },
  );

  it('is what the loader takes for one, and no other', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), maxLength: 12 });
    const plain = fc.tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '.'), digits);
    const noise = fc.string({ unit: fc.constantFrom('0', '7', '.', '-', '+', 'e', ' '), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.oneof(
          plain.map((parts) => parts.join('')),
          noise,
        ),
        (text) => {
          expect(priceOf(text)).toBe(asLoaded(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('that is a sum may have more digits than a field', () => {
    expect(printAmount(readAmount('123456789012.5')!)).toBe('123456789012.5');
  });
});
