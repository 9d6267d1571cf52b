/**
 * decimal(18,8): prices and quantities as an int64 scaled by 10^8. Exact at every hop, never a float.
 * One value is a `bigint`; a column is a `BigInt64Array`; hot loops use the int64 helpers of `int64.ts`.
 */

export const DECIMAL_PRECISION = 18;
export const DECIMAL_SCALE = 8;
export const DECIMAL_ONE = 100_000_000n;
/** Largest magnitude of a scaled value: 18 digits. */
export const DECIMAL_SCALED_MAX = 999_999_999_999_999_999n;

/** Of sums of decimals, and of what is made of them: decimal(38,8), in which an answer carries them. */
export const WIDE_DECIMAL_PRECISION = 38;
const WIDE_DECIMAL_SCALED_MAX = 10n ** BigInt(WIDE_DECIMAL_PRECISION) - 1n;

export class DecimalError extends Error {
  override readonly name = 'DecimalError';
  readonly kind: 'syntax' | 'scale' | 'range';
  constructor(kind: 'syntax' | 'scale' | 'range', value: string, expected: string) {
    super(`${JSON.stringify(value)} is not a decimal(18,8): expected ${expected}`);
    this.kind = kind;
  }
}

const DECIMAL_TEXT = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** Parses plain decimal notation (`-12.5`, `.5`, `7.`) to a scaled value. Throws DecimalError; never rounds. */
export function parseDecimal(text: string): bigint {
  const match = DECIMAL_TEXT.exec(text);
  if (match === null || (match[2] === '' && (match[3] ?? '') === '')) {
    throw new DecimalError('syntax', text, 'digits with an optional sign and decimal point');
  }
  const [, sign, whole = '', fraction = ''] = match;
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > DECIMAL_SCALE) {
    throw new DecimalError('scale', text, `at most ${DECIMAL_SCALE} fractional digits`);
  }
  const magnitude = BigInt(whole + significant.padEnd(DECIMAL_SCALE, '0'));
  return checkedScaled(sign === '-' ? -magnitude : magnitude, text);
}

/** Prints the shortest exact form: no exponent, no trailing zeros. `parseDecimal(printDecimal(x)) === x`. */
export function printDecimal(scaled: bigint): string {
  const magnitude = scaled < 0n ? -scaled : scaled;
  const digits = magnitude.toString().padStart(DECIMAL_SCALE + 1, '0');
  const whole = digits.slice(0, -DECIMAL_SCALE);
  const fraction = digits.slice(-DECIMAL_SCALE).replace(/0+$/, '');
  return `${scaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

export function addDecimal(a: bigint, b: bigint): bigint {
  return checkedScaled(a + b);
}

export function subtractDecimal(a: bigint, b: bigint): bigint {
  return checkedScaled(a - b);
}

/** a × b, rounded half to even at the eighth digit. */
export function multiplyDecimal(a: bigint, b: bigint): bigint {
  return checkedScaled(divideHalfEven(a * b, DECIMAL_ONE));
}

/** a ÷ b, rounded half to even at the eighth digit. Throws RangeError where b is zero. */
export function divideDecimal(a: bigint, b: bigint): bigint {
  return checkedScaled(divideHalfEven(a * DECIMAL_ONE, b));
}

/** a ÷ b of integers, rounded half to even. Throws RangeError where b is zero. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  if (denominator === 0n) throw new RangeError('division of a decimal by zero');
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  const twice = 2n * (remainder < 0n ? -remainder : remainder);
  const divisor = denominator < 0n ? -denominator : denominator;
  if (twice < divisor || (twice === divisor && quotient % 2n === 0n)) return quotient;
  return numerator < 0n === denominator < 0n ? quotient + 1n : quotient - 1n;
}

/**
 * Volume-weighted mean price, rounded half to even at the eighth digit: Σ price × quantity, at scale 16, by Σ quantity.
 * Null where the volume is 0. Throws DecimalError `range` if it has more digits than a wide decimal, as quantities of both
 * signs can make it.
 */
export function meanPrice(notional: bigint, volume: bigint): bigint | null {
  if (volume === 0n) return null;
  const mean = divideHalfEven(notional, volume);
  if (mean > WIDE_DECIMAL_SCALED_MAX || mean < -WIDE_DECIMAL_SCALED_MAX) {
    throw new DecimalError('range', printDecimal(mean), `at most ${WIDE_DECIMAL_PRECISION} digits`);
  }
  return mean;
}

function checkedScaled(scaled: bigint, text?: string): bigint {
  if (scaled > DECIMAL_SCALED_MAX || scaled < -DECIMAL_SCALED_MAX) {
    throw new DecimalError('range', text ?? printDecimal(scaled), 'a magnitude below 10,000,000,000');
  }
  return scaled;
}
