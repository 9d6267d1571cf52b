import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addDecimal,
  DECIMAL_SCALED_MAX,
  DecimalError,
  divideDecimal,
  multiplyDecimal,
  parseDecimal,
  printDecimal,
  subtractDecimal,
} from './decimal.ts';

const scaled = () => fc.bigInt({ min: -DECIMAL_SCALED_MAX, max: DECIMAL_SCALED_MAX });

describe('decimal(18,8)', () => {
  it('parses what it prints, for every value', () => {
    fc.assert(fc.property(scaled(), (value) => parseDecimal(printDecimal(value)) === value));
  });

  it.each([
    ['36.667', 3_666_700_000n],
    ['-0.00000001', -1n],
    ['.5', 50_000_000n],
    ['7.', 700_000_000n],
    ['+1', 100_000_000n],
    ['0.10', 10_000_000n],
    ['1.000000000000', 100_000_000n],
    ['9999999999.99999999', DECIMAL_SCALED_MAX],
  ])('parses %s exactly', (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  it.each([
    ['', 'syntax'],
    ['.', 'syntax'],
    ['1e5', 'syntax'],
    ['1,000', 'syntax'],
    [' 1', 'syntax'],
    ['0x10', 'syntax'],
    ['NaN', 'syntax'],
    ['--1', 'syntax'],
    ['0.000000001', 'scale'],
    ['10000000000', 'range'],
    ['-10000000000', 'range'],
  ])('refuses %j as wrong %s', (text, kind) => {
    expect(() => parseDecimal(text)).toThrow(DecimalError);
    expect(() => parseDecimal(text)).toThrow(expect.objectContaining({ kind }));
  });

  it.each([
    [0n, '0'],
    [-1n, '-0.00000001'],
    [100_000_000n, '1'],
    [3_666_700_000n, '36.667'],
  ])('prints %s as %s', (value, text) => {
    expect(printDecimal(value)).toBe(text);
  });

  it('adds and subtracts without a rounding', () => {
    expect(printDecimal(addDecimal(parseDecimal('0.1'), parseDecimal('0.2')))).toBe('0.3');
    expect(printDecimal(subtractDecimal(parseDecimal('0.3'), parseDecimal('0.1')))).toBe('0.2');
    expect(() => addDecimal(DECIMAL_SCALED_MAX, 1n)).toThrow(DecimalError);
  });

  it('multiplies and divides, rounding half to even at the eighth digit', () => {
    expect(multiplyDecimal(parseDecimal('36.667'), parseDecimal('20000'))).toBe(parseDecimal('733340'));
    expect(multiplyDecimal(1n, parseDecimal('0.5'))).toBe(0n);
    expect(multiplyDecimal(3n, parseDecimal('0.5'))).toBe(2n);
    expect(multiplyDecimal(-3n, parseDecimal('0.5'))).toBe(-2n);
    expect(printDecimal(divideDecimal(parseDecimal('1'), parseDecimal('3')))).toBe('0.33333333');
    expect(printDecimal(divideDecimal(parseDecimal('-2'), parseDecimal('3')))).toBe('-0.66666667');
    expect(() => divideDecimal(1n, 0n)).toThrow(RangeError);
  });
});
