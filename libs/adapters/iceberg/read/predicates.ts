import { recordSchema } from '@k2/domain/market';
import type { ScanRequest } from '@k2/ports';
import { currentSchema, fieldById, type TableMetadata } from '../format/metadata.ts';
import type { PrimitiveType } from '../format/schema.ts';
import { compareValues, type Value } from '../format/single-value.ts';
import { parseTransform, type Transform } from '../format/transforms.ts';

/** What a column's value must be: one of some values, or within a closed range. */
export interface Predicate {
  readonly fieldId: number;
  readonly type: PrimitiveType;
  readonly matches:
    | { readonly kind: 'in'; readonly values: readonly Value[] }
    | { readonly kind: 'range'; readonly min: Value; readonly max: Value };
}

/** Of a scan, by field id: columns may have been renamed since. */
export function scanPredicates(request: ScanRequest, metadata: TableMetadata): readonly Predicate[] {
  const { exchange, symbols, fromUs, toUs } = request;
  const predicates: Predicate[] = [];
  const add = (fieldId: number | undefined, matches: Predicate['matches']) => {
    const field = fieldId === undefined ? undefined : fieldById(currentSchema(metadata), fieldId);
    if (field !== undefined && typeof field.type === 'string')
      predicates.push({ fieldId: field.id, type: field.type, matches });
  };
  const idOf = (name: string) => recordSchema(request.table).fields.find((field) => field.name === name)?.id;
  if (exchange !== undefined) add(idOf('exchange'), { kind: 'in', values: [exchange] });
  if (symbols !== undefined) add(idOf('symbol'), { kind: 'in', values: symbols });
  if (fromUs !== undefined || toUs !== undefined) {
    // Times are whole µs: [from, to) is [from, to - 1].
    add(partitionTimeId(metadata), { kind: 'range', min: fromUs ?? -Infinity, max: (toUs ?? Infinity) - 1 });
  }
  return predicates;
}

/** The column whose time the table is partitioned by; tables that are not have no time to prune by. */
function partitionTimeId(metadata: TableMetadata): number | undefined {
  const times = metadata['partition-specs']
    .flatMap((spec) => spec.fields)
    .filter(({ transform }) => TIME_TRANSFORMS.has(transform));
  return times.at(-1)?.['source-id'];
}

const TIME_TRANSFORMS: ReadonlySet<string> = new Set(['hour', 'day', 'month', 'year']);

/** Whether some value within the bounds (null: unknown) can match. */
export function canMatch({ matches }: Predicate, min: Value | null, max: Value | null): boolean {
  if (matches.kind === 'in') return matches.values.some((value) => within(value, min, max));
  return (
    !(max !== null && compareValues(max, matches.min) < 0) && !(min !== null && compareValues(min, matches.max) > 0)
  );
}

/** As `canMatch`, where the bounds are those of a partition field over the predicate's column. */
export function canMatchPartition(
  predicate: Predicate,
  transformName: string,
  min: Value | null,
  max: Value | null,
): boolean {
  const transform = parseTransform(transformName);
  const { matches, type } = predicate;
  if (matches.kind === 'in') {
    return matches.values.some((value) => within(transform.apply(value, type), min, max));
  }
  if (!transform.preservesOrder) return true;
  const from = transformedEnd(transform, matches.min, type);
  const to = transformedEnd(transform, matches.max, type);
  return (
    !(from !== null && max !== null && compareValues(max, from) < 0) &&
    !(to !== null && min !== null && compareValues(min, to) > 0)
  );
}

/** Null where the range has no such end. */
function transformedEnd(transform: Transform, end: Value, type: PrimitiveType): Value | null {
  return end === Infinity || end === -Infinity ? null : transform.apply(end, type);
}

function within(value: Value | null, min: Value | null, max: Value | null): boolean {
  if (value === null) return true;
  return !(min !== null && compareValues(value, min) < 0) && !(max !== null && compareValues(value, max) > 0);
}
