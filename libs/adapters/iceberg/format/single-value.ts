import { exactNumber } from '@k2/domain/market';
import type { PrimitiveType } from './schema.ts';

/**
 * A value of a primitive type. int, long, date and timestamptz are numbers (a bigint beyond 2^53), decimals the
 * unscaled bigint.
 */
export type Value = number | bigint | string | boolean | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Single-value serialization, as bounds and partition summaries have it (table spec, Appendix D). */
export function serializeValue(type: PrimitiveType, value: Value): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0);
    case 'int':
    case 'date': {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, Number(value), true);
      return bytes;
    }
    case 'long':
    case 'timestamptz':
      return int64Bytes(BigInt(value as number | bigint));
    case 'string':
      return encoder.encode(value as string);
    case 'binary':
      return value as Uint8Array;
    default:
      return decimalBytes(value as bigint);
  }
}

export function deserializeValue(type: PrimitiveType, bytes: Uint8Array): Value {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'boolean':
      return bytes[0] !== 0;
    case 'int':
    case 'date':
      return view.getInt32(0, true);
    case 'long':
    case 'timestamptz':
      // An int column widened to long keeps its old 4-byte bounds.
      return bytes.length === 4 ? view.getInt32(0, true) : exactNumber(view.getBigInt64(0, true));
    case 'string':
      return decoder.decode(bytes);
    case 'binary':
      return bytes;
    default:
      return decimalFromBytes(bytes);
  }
}

export function int64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}

/** Unscaled value, two's complement, big-endian, in as few bytes as hold it. */
export function decimalBytes(unscaled: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = unscaled;
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (rest !== (bytes[0] >= 0x80 ? -1n : 0n));
  return Uint8Array.from(bytes);
}

function decimalFromBytes(bytes: Uint8Array): bigint {
  let unsigned = 0n;
  for (const byte of bytes) unsigned = (unsigned << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, unsigned);
}

/** Iceberg's order of values: strings by code point (as their UTF-8 bytes), bytes unsigned, false before true. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** JavaScript's own comparison is by UTF-16 unit, which puts U+E000…U+FFFF after the supplementary planes. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/** Between two unequal units, a surrogate stands for a code point above all those that need none. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}
