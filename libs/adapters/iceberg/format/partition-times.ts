import { US_PER_DAY } from '@k2/domain/market';
import type { PartitionSpec } from './schema.ts';
import type { PartitionValue } from './transforms.ts';

/** Every row of the partition is of before this time, UTC µs; null where the partition says nothing of times. */
export function partitionEndUs(spec: PartitionSpec, partition: readonly PartitionValue[]): number | null {
  let earliestUs: number | null = null;
  spec.fields.forEach(({ transform }, index) => {
    const end = ENDS.get(transform);
    const value = partition[index];
    if (end === undefined || value === null) return;
    earliestUs = Math.min(earliestUs ?? Infinity, end(Number(value)));
  });
  return earliestUs;
}

/** Inclusive lower bound of the partition's event time, UTC µs; null if the spec has no time transform. */
export function partitionStartUs(spec: PartitionSpec, partition: readonly PartitionValue[]): number | null {
  let latestUs: number | null = null;
  spec.fields.forEach(({ transform }, index) => {
    const end = ENDS.get(transform);
    const value = partition[index];
    if (end === undefined || value === null) return;
    // Where the one before it ends.
    latestUs = Math.max(latestUs ?? -Infinity, end(Number(value) - 1));
  });
  return latestUs;
}

export function hasTimePartitions(spec: PartitionSpec): boolean {
  return spec.fields.some(({ transform }) => ENDS.has(transform));
}

/** By transform: the end, UTC µs, of an hour, day, month or year counted from 1970. */
const ENDS: ReadonlyMap<string, (value: number) => number> = new Map([
  ['hour', (hour: number) => (hour + 1) * (US_PER_DAY / 24)],
  ['day', (day: number) => (day + 1) * US_PER_DAY],
  ['month', (month: number) => Date.UTC(1970, month + 1) * 1_000],
  ['year', (year: number) => Date.UTC(1970 + year + 1, 0) * 1_000],
]);
