import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PartitionSpec } from './schema.ts';
import { parseTransform } from './transforms.ts';
import { hasTimePartitions, partitionEndUs, partitionStartUs } from './partition-times.ts';

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
  it('ends a partition of which partitionStartUs is the first time, for each transform of time', () => {
    const timeUs = fc.integer({ min: -5e15, max: 5e15 });
    fc.assert(
      fc.property(timeUs, fc.constantFrom('hour', 'day', 'month', 'year'), (us, name) => {
        const transform = parseTransform(name);
        const value = transform.apply(us, 'timestamptz');
        const startUs = partitionStartUs(specOf(name), [value])!;
        expect(startUs).toBeLessThanOrEqual(us);
        expect(transform.apply(startUs, 'timestamptz')).toBe(value);
        expect(transform.apply(startUs - 1, 'timestamptz')).toBe(Number(value) - 1);
      }),
    );
    expect(partitionStartUs(specOf('year', 'identity', 'day'), [0, 'ASX', 3])).toBe(3 * 86_400_000_000);
    expect(partitionStartUs(specOf('identity'), ['ASX'])).toBeNull();
  });

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
