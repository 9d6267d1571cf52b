import { US_PER_DAY } from '@k2/domain/market';
import { murmur3 } from './murmur3.ts';
import type { PrimitiveType } from './schema.ts';
import { decimalBytes, int64Bytes, type Value } from './single-value.ts';

export type PartitionValue = Value | null;

/** A partition transform (table spec, "Partition Transforms"). */
export interface Transform {
  /** As in a partition spec: `day`, `bucket[16]`. */
  readonly name: string;
  /** a ≤ b ⇒ apply(a) ≤ apply(b): a range of the source is then a range of partitions. */
  readonly preservesOrder: boolean;
  resultType(source: PrimitiveType): PrimitiveType;
  apply(value: Value, source: PrimitiveType): PartitionValue;
}

/** Throws RangeError for a transform that is none, or that K2 does not know. */
export function parseTransform(name: string): Transform {
  const simple = SIMPLE_TRANSFORMS.get(name);
  if (simple !== undefined) return simple;
  const [, kind, parameter] = /^(bucket|truncate)\[([1-9]\d*)\]$/.exec(name) ?? [];
  if (kind === 'bucket') return bucket(name, Number(parameter));
  if (kind === 'truncate') return truncate(name, Number(parameter));
  throw new RangeError(
    `${name} is not a partition transform: expected ${[...SIMPLE_TRANSFORMS.keys()].join(', ')}, bucket[n] or truncate[n]`,
  );
}

const US_PER_HOUR = US_PER_DAY / 24;

const SIMPLE_TRANSFORMS: ReadonlyMap<string, Transform> = new Map(
  [
    transform(
      'identity',
      (source) => source,
      (value) => value,
    ),
    transform(
      'void',
      (source) => source,
      () => null,
    ),
    transform(
      'hour',
      () => 'int',
      (value, source) => Math.floor(timeUs(value, source) / US_PER_HOUR),
    ),
    // The spec's result type is int; the reference implementation writes date, and every reader expects that.
    transform(
      'day',
      () => 'date',
      (value, source) => Math.floor(timeUs(value, source) / US_PER_DAY),
    ),
    transform(
      'month',
      () => 'int',
      (value, source) => monthsSince1970(timeUs(value, source)),
    ),
    transform(
      'year',
      () => 'int',
      (value, source) => Math.floor(monthsSince1970(timeUs(value, source)) / 12),
    ),
  ].map((simple) => [simple.name, simple]),
);

function transform(
  name: string,
  resultType: (source: PrimitiveType) => PrimitiveType,
  apply: (value: Value, source: PrimitiveType) => PartitionValue,
): Transform {
  return { name, preservesOrder: name !== 'void', resultType, apply };
}

function timeUs(value: Value, source: PrimitiveType): number {
  return source === 'date' ? Number(value) * US_PER_DAY : Number(value);
}

function monthsSince1970(us: number): number {
  const date = new Date(Math.floor(us / 1_000));
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

function bucket(name: string, count: number): Transform {
  return {
    name,
    preservesOrder: false,
    resultType: () => 'int',
    apply: (value, source) => (bucketHash(value, source) & 0x7fffffff) % count,
  };
}

/** Signed 32-bit hash of a value (table spec, Appendix B). */
export function bucketHash(value: Value, source: PrimitiveType): number {
  switch (source) {
    case 'string':
      return murmur3(new TextEncoder().encode(value as string));
    case 'binary':
      return murmur3(value as Uint8Array);
    case 'int':
    case 'long':
    case 'date':
    case 'timestamptz':
      return murmur3(int64Bytes(BigInt(value as number | bigint)));
    case 'boolean':
      throw new RangeError('bucket of a boolean: the table spec has none');
    default:
      return murmur3(decimalBytes(value as bigint));
  }
}

function truncate(name: string, width: number): Transform {
  return {
    name,
    preservesOrder: true,
    resultType: (source) => source,
    apply: (value) => {
      if (typeof value === 'string')
        return Array.from(value.slice(0, 2 * width))
          .slice(0, width)
          .join('');
      if (value instanceof Uint8Array) return value.subarray(0, width);
      if (typeof value === 'number') return value - (((value % width) + width) % width);
      if (typeof value === 'bigint') return value - (((value % BigInt(width)) + BigInt(width)) % BigInt(width));
      throw new RangeError('truncate of a boolean: the table spec has none');
    },
  };
}
