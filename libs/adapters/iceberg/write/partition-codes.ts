import { exactNumber } from '@k2/domain/market';
import { icebergType, type PrimitiveType } from '../format/schema.ts';
import type { Value } from '../format/single-value.ts';
import { parseTransform, type PartitionValue, type Transform } from '../format/transforms.ts';
import { bigintAt, type TableColumn, type TableRows } from './table-rows.ts';
import type { WriteJob } from './write-job.ts';

/** Which partition each row belongs to. */
export interface PartitionCodes {
  /** Code of each row's partition. */
  readonly codes: Uint32Array;
  readonly partitions: readonly (readonly PartitionValue[])[];
}

export function partitionCodes(
  table: TableRows,
  { fields, partitionBy }: Pick<WriteJob, 'fields' | 'partitionBy'>,
): PartitionCodes {
  let all: PartitionCodes = { codes: new Uint32Array(table.rowCount), partitions: [[]] };
  for (const { position, transform } of partitionBy) {
    const type = icebergType(fields[position].type, 0) as PrimitiveType;
    all = combined(all, transformedCodes(table.columns[position], parseTransform(transform), type));
  }
  return all;
}

/** Codes of the pairs that occur, in order of first occurrence. */
function combined(a: PartitionCodes, b: PartitionCodes): PartitionCodes {
  if (a.partitions.length === 1) return prefixed(a.partitions[0], b);
  const codes = new Uint32Array(a.codes.length);
  const partitions: (readonly PartitionValue[])[] = [];
  const known = new Map<number, number>();
  let lastPair = -1;
  let lastCode = -1;
  for (let row = 0; row < codes.length; row++) {
    const pair = a.codes[row] * b.partitions.length + b.codes[row];
    if (pair !== lastPair) {
      lastPair = pair;
      lastCode = known.get(pair) ?? -1;
      if (lastCode < 0) {
        lastCode = partitions.push([...a.partitions[a.codes[row]], ...b.partitions[b.codes[row]]]) - 1;
        known.set(pair, lastCode);
      }
    }
    codes[row] = lastCode;
  }
  return { codes, partitions };
}

function prefixed(prefix: readonly PartitionValue[], { codes, partitions }: PartitionCodes): PartitionCodes {
  return { codes, partitions: partitions.map((partition) => [...prefix, ...partition]) };
}

function transformedCodes(column: TableColumn, transform: Transform, type: PrimitiveType): PartitionCodes {
  const values = new DistinctValues();
  const apply = (value: Value | null) => values.code(value === null ? null : transform.apply(value, type));
  const codes = new Uint32Array(rowCountOf(column));
  switch (column.kind) {
    case 'dictionary': {
      // Only values that rows have: a dictionary may hold others.
      const byCode = new Int32Array(column.dictionary.length).fill(-1);
      for (let row = 0; row < codes.length; row++) {
        const code = column.codes[row];
        if (byCode[code] === -1) byCode[code] = apply(column.dictionary[code] as string | null);
        codes[row] = byCode[code];
      }
      break;
    }
    case 'integer': {
      // Ticks of one commit are nearly always of one day: then the least and the greatest tell it of all.
      const [min, max] = rangeOf(column.values);
      const isOne = transform.preservesOrder && apply(min) === apply(max);
      if (!isOne) for (let row = 0; row < codes.length; row++) codes[row] = apply(column.values[row]);
      break;
    }
    case 'int64':
      for (let row = 0; row < codes.length; row++) {
        const value = bigintAt(column.words, row);
        codes[row] = apply(type === 'long' ? exactNumber(value) : value);
      }
      break;
    case 'bytes':
      throw new RangeError('tables cannot be partitioned by a string that every row has for itself');
  }
  return { codes, partitions: values.values.map((value) => [value]) };
}

function rangeOf(values: Float64Array): readonly [min: number, max: number] {
  let [min, max] = [values[0], values[0]];
  for (let row = 1; row < values.length; row++) {
    const value = values[row];
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

function rowCountOf(column: TableColumn): number {
  switch (column.kind) {
    case 'integer':
      return column.values.length;
    case 'int64':
      return column.words.length / 2;
    case 'dictionary':
      return column.codes.length;
    case 'bytes':
      return column.offsets.length - 1;
  }
}

/** Partition values by code; the last one is remembered, since neighbours mostly share it. */
class DistinctValues {
  readonly values: PartitionValue[] = [];
  private readonly codes = new Map<PartitionValue, number>();
  private last: PartitionValue | undefined;
  private lastCode = -1;

  code(value: PartitionValue): number {
    if (value === this.last) return this.lastCode;
    let code = this.codes.get(value);
    if (code === undefined) {
      code = this.values.push(value) - 1;
      this.codes.set(value, code);
    }
    this.last = value;
    this.lastCode = code;
    return code;
  }
}
