import { AMOUNTS } from './asx-rows.ts';
import type { RecordType } from '@k2/domain/market';

/** What is compared of one symbol's rows on one date. Sums are scaled by 10^8; times are local, as text. */
export interface Tally {
  rows: number;
  readonly sums: bigint[];
  first: string | null;
  last: string | null;
}

export function newTally(recordType: RecordType): Tally {
  return { rows: 0, sums: AMOUNTS[recordType].map(() => 0n), first: null, last: null };
}

export function addTally(into: Tally, { rows, sums, first, last }: Readonly<Tally>): void {
  into.rows += rows;
  sums.forEach((sum, at) => (into.sums[at]! += sum));
  if (first !== null && (into.first === null || first < into.first)) into.first = first;
  if (last !== null && (into.last === null || last > into.last)) into.last = last;
}

/** Tallies by symbol and date. */
export class Tallies {
  readonly recordType: RecordType;
  private readonly bySymbol = new Map<string, Map<string, Tally>>();

  constructor(recordType: RecordType) {
    this.recordType = recordType;
  }

  add(symbol: string, date: string, tally: Readonly<Tally>): void {
    let dates = this.bySymbol.get(symbol);
    if (dates === undefined) this.bySymbol.set(symbol, (dates = new Map()));
    let known = dates.get(date);
    if (known === undefined) dates.set(date, (known = newTally(this.recordType)));
    addTally(known, tally);
  }

  addAll(others: Tallies): void {
    for (const symbol of others.symbols) {
      for (const date of others.dates(symbol)) this.add(symbol, date, others.of(symbol, date));
    }
  }

  get symbols(): readonly string[] {
    return [...this.bySymbol.keys()].sort();
  }

  dates(symbol: string): readonly string[] {
    return [...(this.bySymbol.get(symbol)?.keys() ?? [])].sort();
  }

  of(symbol: string, date: string): Tally {
    return this.bySymbol.get(symbol)?.get(date) ?? newTally(this.recordType);
  }

  /** Over these dates. */
  total(symbol: string, dates: readonly string[]): Tally {
    const total = newTally(this.recordType);
    for (const date of dates) addTally(total, this.of(symbol, date));
    return total;
  }
}
