import type { DictionaryValue } from '@k2/domain/market';
import { compareCodePoints } from '../format/single-value.ts';
import type { PartitionValue } from '../format/transforms.ts';
import { partitionCodes, type PartitionCodes } from './partition-codes.ts';
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
export function partitionRows(
  table: TableRows,
  job: Pick<WriteJob, 'fields' | 'partitionBy' | 'sortBy'>,
): readonly PartitionRows[] {
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
    case 'int64': {
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

function splitByCode(
  rows: Uint32Array,
  codes: Uint32Array,
  partitions: PartitionCodes['partitions'],
): readonly PartitionRows[] {
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
