import { printDecimal, tickSchema, type TableName, type TickBatch } from '@k2/domain/market';
import { decimals } from '../pyiceberg/ledger.ts';
import { groupKey, type Facts, type Filter, type GroupFacts } from './facts.ts';

interface GroupTotals {
  rows: number;
  minUs: number;
  maxUs: number;
  /** Scaled, in the order of `decimals`. */
  readonly sums: bigint[];
}

interface TableTotals {
  readonly groups: Map<string, GroupTotals>;
  readonly filtered: { rows: number };
}

/** Adds up what went in, tick by tick and past everything under judgement. */
export class Tally {
  private readonly filter: Filter;
  private readonly tables = new Map<TableName, TableTotals>();

  constructor(filter: Filter) {
    this.filter = filter;
  }

  add(batch: TickBatch, row: number): void {
    const { groups, filtered } = this.totals(tickSchema(batch).table);
    const { exchange, symbol } = batch.series[batch.seriesCode[row]];
    const timeUs = batch.eventTimeUs[row];
    const columns = decimals(batch);
    const key = groupKey(exchange, symbol);
    let totals = groups.get(key);
    if (totals === undefined) {
      totals = { rows: 0, minUs: Infinity, maxUs: -Infinity, sums: columns.map(() => 0n) };
      groups.set(key, totals);
    }
    totals.rows++;
    totals.minUs = Math.min(totals.minUs, timeUs);
    totals.maxUs = Math.max(totals.maxUs, timeUs);
    columns.forEach(([, values], index) => (totals.sums[index] += values[row]));
    const { filter } = this;
    if (exchange === filter.exchange && symbol === filter.symbol && timeUs >= filter.fromUs) filtered.rows++;
  }

  /** As of now; what comes later changes nothing of it. */
  facts(table: TableName): Facts {
    const { groups, filtered } = this.totals(table);
    const all = [...groups.values()];
    return {
      rows: all.reduce((sum, { rows }) => sum + rows, 0),
      minUs: all.length === 0 ? null : Math.min(...all.map(({ minUs }) => minUs)),
      maxUs: all.length === 0 ? null : Math.max(...all.map(({ maxUs }) => maxUs)),
      groups: Object.fromEntries(
        Array.from(groups, ([key, totals]): [string, GroupFacts] => [
          key,
          { ...totals, sums: totals.sums.map((sum) => printDecimal(sum)) },
        ]),
      ),
      filteredRows: filtered.rows,
    };
  }

  private totals(table: TableName): TableTotals {
    let totals = this.tables.get(table);
    if (totals === undefined) {
      totals = { groups: new Map(), filtered: { rows: 0 } };
      this.tables.set(table, totals);
    }
    return totals;
  }
}
