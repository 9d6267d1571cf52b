import type { TableName } from '@k2/domain/market';

/** What is asked of every reader about one table. */
export interface Question {
  readonly table: TableName;
  /** Null: the newest. */
  readonly snapshotId: bigint | null;
  /** Decimal columns to add up, as they are called at that snapshot. */
  readonly sums: readonly string[];
  readonly filter: Filter;
}

/** Partition, sort column and time at once: each lets a reader leave out files. */
export interface Filter {
  readonly exchange: string;
  readonly symbol: string;
  readonly fromUs: number;
}

/** A table at one snapshot. */
export interface Facts {
  /** Readers may take these three from the metadata, without opening a file. */
  readonly rows: number;
  readonly minUs: number | null;
  readonly maxUs: number | null;
  /** By exchange and symbol, see `groupKey`. */
  readonly groups: Readonly<Record<string, GroupFacts>>;
  readonly filteredRows: number;
}

export interface GroupFacts {
  readonly rows: number;
  readonly minUs: number;
  readonly maxUs: number;
  /** By place in `Question.sums`; exact, in the shortest notation. */
  readonly sums: readonly string[];
}

export interface Reading {
  readonly facts: Facts;
  /** How the filter kept the reader from reading everything; null where the reader does not tell. */
  readonly pruning: Pruning | null;
  /** What the manifests state of files and is not so; of readers that look. */
  readonly fileFaults?: readonly string[];
}

export interface Pruning {
  readonly unit: 'files' | 'rows';
  readonly read: number;
  readonly all: number;
}

export function groupKey(exchange: string, symbol: string): string {
  return `${exchange}/${symbol}`;
}

/** `1.50000000` and `1.5` are the same number. */
export function shortest(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

/** How what was found differs from what was written, one line each. */
export function differences(found: Facts, expected: Facts): readonly string[] {
  const wrong: string[] = [];
  const compare = (what: string, is: unknown, shall: unknown) => {
    if (is !== shall) wrong.push(`${what} is ${String(is)}, expected ${String(shall)}`);
  };
  compare('count', found.rows, expected.rows);
  compare('min(timestamp)', found.minUs, expected.minUs);
  compare('max(timestamp)', found.maxUs, expected.maxUs);
  compare('count where the filter holds', found.filteredRows, expected.filteredRows);
  for (const key of new Set([...Object.keys(expected.groups), ...Object.keys(found.groups)])) {
    const [is, shall] = [found.groups[key], expected.groups[key]];
    if (is === undefined || shall === undefined) {
      wrong.push(is === undefined ? `${key} is missing` : `${key} was never written`);
      continue;
    }
    compare(`count of ${key}`, is.rows, shall.rows);
    compare(`min(timestamp) of ${key}`, is.minUs, shall.minUs);
    compare(`max(timestamp) of ${key}`, is.maxUs, shall.maxUs);
    shall.sums.forEach((sum, index) => compare(`sum ${index + 1} of ${key}`, is.sums[index], sum));
  }
  return wrong;
}
