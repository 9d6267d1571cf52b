import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PartitionSpec } from '../format/schema.ts';
import { parseTransform } from '../format/transforms.ts';
import { hasTimePartitions, partitionEndUs } from './partition-end.ts';

const specOf = (...transforms: readonly string[]): PartitionSpec => ({
  'spec-id': 0,
  fields: transforms.map((transform, index) => ({
    'source-id': index + 1,
    'field-id': 1_000 + index,
    name: transform,
    transform,
  })),
});

describe('partitionEndUs', () => {
  it('is the first time that is of a later partition, for each transform of time', () => {
    const timeUs = fc.integer({ min: -5e15, max: 5e15 });
    fc.assert(
      fc.property(timeUs, fc.constantFrom('hour', 'day', 'month', 'year'), (us, name) => {
        const transform = parseTransform(name);
        const value = transform.apply(us, 'timestamptz');
        const endUs = partitionEndUs(specOf(name), [value])!;
        expect(us).toBeLessThan(endUs);
        expect(transform.apply(endUs - 1, 'timestamptz')).toBe(value);
        expect(transform.apply(endUs, 'timestamptz')).toBe(Number(value) + 1);
      }),
    );
  });

  it('is the earliest where several fields tell of time', () => {
    expect(partitionEndUs(specOf('year', 'identity', 'day'), [0, 'ASX', 3])).toBe(4 * 86_400_000_000);
  });

  it('is unknown where none does, or where the time is null', () => {
    expect(partitionEndUs(specOf('identity', 'bucket[4]'), ['ASX', 2])).toBeNull();
    expect(partitionEndUs(specOf('day'), [null])).toBeNull();
    expect([hasTimePartitions(specOf('identity')), hasTimePartitions(specOf('identity', 'hour'))]).toEqual([
      false,
      true,
    ]);
  });
});
