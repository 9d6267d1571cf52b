import { isSafeAt, int64At, type DictionaryValue } from '@k2/domain/market';
import type { PrimitiveType } from '../format/schema.ts';
import { icebergType } from '../format/schema.ts';
import { compareCodePoints, type Value } from '../format/single-value.ts';
import { parseTransform, type PartitionValue, type Transform } from '../format/transforms.ts';
import type { DictionaryCodes, TableColumn, TableRows } from './table-rows.ts';
import type { WriteJob } from './write-job.ts';

/** Rows of one table partition, in the table's sort order; equal ones in the order they came. */
export interface PartitionRows {
  readonly partition: readonly PartitionValue[];
  readonly rows: Uint32Array;
}

/**
 * Groups rows by partition and orders them: a counting sort (least significant key first) on the leading string keys
 * and the partition, then a check of each run of equal keys, which is sorted only if it is not yet: ticks nearly
 * always come in time order.
 */
export function partitionRows(table: TableRows, job: Pick<WriteJob, 'fields' | 'partitionBy' | 'sortBy'>): readonly PartitionRows[] {
  const keys = job.sortBy.map((position) => table.columns[position]);
  const leading = leadingDictionaries(keys);
  const { codes, partitions } = partitionCodes(table, job);

  const passes: CodedKey[] = [{ codes, count: partitions.length }, ...leading.map(rankedKey)];
  let rows = new Uint32Array(table.rowCount);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  for (const pass of passes.toReversed()) rows = countingSort(rows, pass);
  sortRuns(rows, passes, keys.slice(leading.length).map(rowComparison));

  return splitByCode(rows, codes, partitions);
}

interface CodedKey {
  readonly codes: DictionaryCodes;
  /** Codes are below it. */
  readonly count: number;
  /** Rank of a code; absent where a code is its rank. */
  readonly ranks?: Uint32Array;
}

type DictionaryColumn = Extract<TableColumn, { readonly kind: 'dictionary' }>;

function leadingDictionaries(keys: readonly TableColumn[]): readonly DictionaryColumn[] {
  const end = keys.findIndex((key) => key.kind !== 'dictionary');
  return keys.slice(0, end < 0 ? keys.length : end) as readonly DictionaryColumn[];
}

function rankedKey({ codes, dictionary }: DictionaryColumn): CodedKey {
  const ordered = dictionary.map((value, code) => ({ value, code })).sort((a, b) => compareStrings(a.value, b.value));
  const ranks = new Uint32Array(dictionary.length);
  ordered.forEach(({ code }, rank) => (ranks[code] = rank));
  return { codes, count: dictionary.length, ranks };
}

function compareStrings(a: DictionaryValue, b: DictionaryValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  return Number(a !== null) - Number(b !== null);
}

function countingSort(rows: Uint32Array, { codes, count, ranks }: CodedKey): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(count + 1);
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]];
    next[(ranks === undefined ? code : ranks[code]) + 1]++;
  }
  for (let code = 0; code < count; code++) next[code + 1] += next[code];
  const sorted = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const code = codes[row];
    sorted[next[ranks === undefined ? code : ranks[code]]++] = row;
  }
  return sorted;
}

type RowComparison = (a: number, b: number) => number;

function rowComparison(key: TableColumn): RowComparison {
  switch (key.kind) {
    case 'integer': {
      const { values } = key;
      return (a, b) => values[a] - values[b];
    }
    case 'decimal': {
      const { words } = key;
      return (a, b) => words[2 * a + 1] - words[2 * b + 1] || (words[2 * a] >>> 0) - (words[2 * b] >>> 0);
    }
    case 'dictionary': {
      const { codes, ranks } = rankedKey(key);
      return (a, b) => ranks![codes[a]] - ranks![codes[b]];
    }
    case 'bytes':
      throw new RangeError('tables cannot be sorted by a string that every row has for itself');
  }
}

/** Sorts each run of rows that are equal in the coded keys by the others, where it is out of order. */
function sortRuns(rows: Uint32Array, coded: readonly CodedKey[], comparisons: readonly RowComparison[]): void {
  if (comparisons.length === 0) return;
  const [first, ...others] = comparisons;
  const compare: RowComparison = (a, b) => {
    let order = first(a, b);
    for (let i = 0; order === 0 && i < others.length; i++) order = others[i](a, b);
    return order === 0 ? a - b : order;
  };
  let start = 0;
  let ordered = true;
  for (let i = 1; i <= rows.length; i++) {
    if (i < rows.length && sameCodes(coded, rows[i - 1], rows[i])) {
      ordered = ordered && compare(rows[i - 1], rows[i]) <= 0;
      continue;
    }
    if (!ordered) rows.subarray(start, i).sort(compare);
    start = i;
    ordered = true;
  }
}

function sameCodes(keys: readonly CodedKey[], a: number, b: number): boolean {
  for (let i = 0; i < keys.length; i++) {
    const { codes } = keys[i];
    if (codes[a] !== codes[b]) return false;
  }
  return true;
}

interface PartitionCodes {
  /** Code of each row's partition. */
  readonly codes: Uint32Array;
  readonly partitions: readonly (readonly PartitionValue[])[];
}

function partitionCodes(table: TableRows, { fields, partitionBy }: Pick<WriteJob, 'fields' | 'partitionBy'>): PartitionCodes {
  let all: PartitionCodes = { codes: new Uint32Array(table.rowCount), partitions: [[]] };
  for (const { position, transform } of partitionBy) {
    const type = icebergType(fields[position].type, 0) as PrimitiveType;
    all = combined(all, transformedCodes(table.columns[position], parseTransform(transform), type));
  }
  return all;
}

/** Codes of the pairs that occur, in order of first occurrence. */
function combined(a: PartitionCodes, b: PartitionCodes): PartitionCodes {
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
    case 'integer':
      for (let row = 0; row < codes.length; row++) codes[row] = apply(column.values[row]);
      break;
    case 'decimal':
      for (let row = 0; row < codes.length; row++) codes[row] = apply(decimalAt(column.words, row));
      break;
    case 'bytes':
      throw new RangeError('tables cannot be partitioned by a string that every row has for itself');
  }
  return { codes, partitions: values.values.map((value) => [value]) };
}

function rowCountOf(column: TableColumn): number {
  switch (column.kind) {
    case 'integer':
      return column.values.length;
    case 'decimal':
      return column.words.length / 2;
    case 'dictionary':
      return column.codes.length;
    case 'bytes':
      return column.offsets.length - 1;
  }
}

export function decimalAt(words: Int32Array, row: number): bigint {
  if (isSafeAt(words, row)) return BigInt(int64At(words, row));
  return (BigInt(words[2 * row + 1]) << 32n) | BigInt(words[2 * row] >>> 0);
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

function splitByCode(rows: Uint32Array, codes: Uint32Array, partitions: PartitionCodes['partitions']): readonly PartitionRows[] {
  const split: PartitionRows[] = [];
  let start = 0;
  for (let i = 1; i <= rows.length; i++) {
    const code = codes[rows[start]];
    if (i < rows.length && codes[rows[i]] === code) continue;
    split.push({ partition: partitions[code], rows: rows.subarray(start, i) });
    start = i;
  }
  return split;
}
