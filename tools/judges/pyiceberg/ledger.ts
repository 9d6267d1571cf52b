import { printDecimal, tickSchema, type PlacedBatch, type TableName, type TickBatch } from '@k2/domain/market';

interface SymbolTotals {
  rows: number;
  /** Scaled, by column. */
  readonly sums: Map<string, bigint>;
}

interface TableTotals {
  rows: number;
  readonly symbols: Map<string, SymbolTotals>;
  readonly venues: Map<string, number>;
  readonly times: number[];
  /** Elements of lists, entries of maps, by column. */
  readonly members: Map<string, number>;
  /** Rows in the table as of each snapshot. */
  readonly snapshots: Map<bigint, number>;
}

/** Adds up what was given to the store, row by row: simple enough to be believed without a test. */
export class Ledger {
  private readonly tables = new Map<TableName, TableTotals>();
  private readonly names = new Map<string, string>();

  add(ticks: readonly PlacedBatch[]): void {
    for (const { batch } of ticks) {
      const totals = this.totals(tickSchema(batch).table);
      for (let row = 0; row < batch.rowCount; row++) addRow(totals, batch, row);
    }
  }

  committed(snapshots: ReadonlyMap<TableName, bigint>): void {
    for (const [table, snapshotId] of snapshots) this.totals(table).snapshots.set(snapshotId, this.totals(table).rows);
  }

  renamed(table: TableName, name: string, to: string): void {
    this.names.set(`${table} ${name}`, to);
  }

  expected(table: TableName) {
    const { rows, symbols, members, snapshots } = this.totals(table);
    const sums = ({ sums: all }: SymbolTotals) =>
      Object.fromEntries(
        Array.from(all, ([name, sum]) => [this.names.get(`${table} ${name}`) ?? name, printDecimal(sum)]),
      );
    return {
      rows,
      members: Object.fromEntries(members),
      symbols: Object.fromEntries(
        Array.from(symbols, ([symbol, totals]) => [symbol, { rows: totals.rows, sums: sums(totals) }]),
      ),
      snapshots: Object.fromEntries(Array.from(snapshots, ([id, count]) => [String(id), count])),
    };
  }

  symbolRows(table: TableName, symbol: string): number {
    return this.totals(table).symbols.get(symbol)?.rows ?? 0;
  }

  venueRows(table: TableName, venue: string): number {
    return this.totals(table).venues.get(venue) ?? 0;
  }

  rowsFrom(table: TableName, timeUs: number): number {
    return this.totals(table).times.filter((time) => time >= timeUs).length;
  }

  private totals(table: TableName): TableTotals {
    let totals = this.tables.get(table);
    if (totals === undefined) {
      totals = { rows: 0, symbols: new Map(), venues: new Map(), times: [], members: new Map(), snapshots: new Map() };
      this.tables.set(table, totals);
    }
    return totals;
  }
}

function addRow(totals: TableTotals, batch: TickBatch, row: number): void {
  const { symbol, exchange } = batch.series[batch.seriesCode[row]];
  const ofSymbol = totals.symbols.get(symbol) ?? { rows: 0, sums: new Map<string, bigint>() };
  totals.symbols.set(symbol, ofSymbol);
  totals.rows++;
  ofSymbol.rows++;
  totals.venues.set(exchange, (totals.venues.get(exchange) ?? 0) + 1);
  totals.times.push(batch.eventTimeUs[row]);
  for (const [name, count] of nested(batch, row)) totals.members.set(name, (totals.members.get(name) ?? 0) + count);
  for (const [name, values] of decimals(batch)) ofSymbol.sums.set(name, (ofSymbol.sums.get(name) ?? 0n) + values[row]);
}

/** The decimal columns of a batch, by name. */
export function decimals(batch: TickBatch): readonly (readonly [string, BigInt64Array])[] {
  if (batch.recordType === 'trades')
    return [
      ['price', batch.price],
      ['quantity', batch.quantity],
    ];
  return [
    ['bid_price', batch.bidPrice],
    ['bid_quantity', batch.bidQuantity],
    ['ask_price', batch.askPrice],
    ['ask_quantity', batch.askQuantity],
  ];
}

function nested(batch: TickBatch, row: number): readonly (readonly [string, number])[] {
  const vendorData = ['vendor_data', Object.keys(batch.vendorData[batch.vendorDataCode[row]] ?? {}).length] as const;
  if (batch.recordType === 'quotes') return [vendorData];
  return [vendorData, ['trade_conditions', batch.conditions[batch.conditionsCode[row]].length]];
}
