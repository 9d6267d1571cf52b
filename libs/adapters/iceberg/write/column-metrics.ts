import { lowerBound, upperBound } from '../format/bounds.ts';
import type { DataFile } from '../format/manifest.ts';
import { icebergType, type PrimitiveType } from '../format/schema.ts';
import { serializeValue, type Value } from '../format/single-value.ts';
import type { ColumnFacts } from './column-writer.ts';
import type { FileField } from './write-job.ts';

export type ColumnMetrics = Pick<DataFile, 'valueCounts' | 'nullValueCounts' | 'lowerBounds' | 'upperBounds'>;

/** Counts and bounds as manifests have them, from exact facts in the order of the fields. Lists and maps have none. */
export function columnMetrics(
  fields: readonly FileField[],
  facts: readonly ColumnFacts[],
  rowCount: number,
): ColumnMetrics {
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  fields.forEach(({ id, type, nestedId }, position) => {
    const primitive = icebergType(type, nestedId ?? 0);
    if (typeof primitive !== 'string') return;
    const { nullCount, range } = facts[position];
    valueCounts.set(id, rowCount);
    nullValueCounts.set(id, nullCount);
    if (range === null) return;
    setBound(lowerBounds, id, primitive, lowerBound(range.min));
    setBound(upperBounds, id, primitive, upperBound(range.max));
  });
  return { valueCounts, nullValueCounts, lowerBounds, upperBounds };
}

function setBound(bounds: Map<number, Uint8Array>, id: number, type: PrimitiveType, value: Value | null): void {
  if (value !== null) bounds.set(id, Uint8Array.from(serializeValue(type, value)));
}
