import { expect } from '@jest/globals';
import { parseDecimal, printDecimal, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type {
  AsOf,
  CommitReceipt,
  PartitionClaim,
  PlannedRows,
  ScanPlan,
  ScanRequest,
  StateMove,
  TickStore,
} from '@k2/ports';
import { plannedRows, type Row } from '../../builders/index.ts';

export interface TickStoreHarness {
  readonly store: TickStore;
  /**
   * All rows of the planned files, unfiltered, in any order, by the names of `plan.fields`. Decimals as exact decimal
   * text, int, long and timestamp (µs) as numbers (a long beyond 2^53 as bigint), lists as arrays, maps as plain objects, binary as Uint8Array,
   * null where there is no value.
   */
  rowsOf(plan: ScanPlan): Promise<readonly Row[]>;
  /** Closes the store and opens another on the same storage. Of durable stores. */
  reopen?(): Promise<TickStore>;
  /** Closes the store and removes its storage. */
  close(): Promise<void>;
}

export interface TickStoreCapabilities {
  /** Plans as of earlier snapshots and times. */
  readonly timeTravel: boolean;
  readonly evolution: boolean;
  /** What was committed outlives the store object: the harness has `reopen`. */
  readonly durable: boolean;
  /** Plans leave out files that cannot hold matching rows, at least by day and exchange. */
  readonly pruning: boolean;
}

export const TRADES = 'market_data.trades';
export const QUOTES = 'market_data.quotes';
export const TOPIC = 'market.equities.trades.asx';
export const TOPIC_ID = 'topic-1';

/** Opens stores for cases and closes them all after each. */
export class TickStoreBenches {
  private readonly create: () => Promise<TickStoreHarness>;
  private opened: TickStoreHarness[] = [];

  constructor(create: () => Promise<TickStoreHarness>) {
    this.create = create;
  }

  /** A store with all tables. */
  async open(): Promise<TickStoreBench> {
    const bench = await this.openEmpty();
    await bench.store.ensureTables(RECORD_SCHEMAS);
    return bench;
  }

  /** A store without tables. */
  async openEmpty(): Promise<TickStoreBench> {
    const harness = await this.create();
    this.opened.push(harness);
    return new TickStoreBench(harness);
  }

  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = [];
    for (const harness of opened) await harness.close();
  }
}

export class TickStoreBench {
  store: TickStore;
  private readonly harness: TickStoreHarness;

  constructor(harness: TickStoreHarness) {
    this.harness = harness;
    this.store = harness.store;
  }

  async reopen(): Promise<void> {
    if (this.harness.reopen === undefined) throw new Error('a durable store needs a harness with reopen()');
    this.store = await this.harness.reopen();
  }

  async claim(partition = 0, writer = 'writer'): Promise<PartitionClaim> {
    const [claim] = await this.store.claim(writer, [{ topic: TOPIC, partition, topicId: TOPIC_ID }]);
    return claim;
  }

  /** Stages the rows and commits them, with states of the claim's partition, as everything up to `nextOffset` of it. */
  async commit(
    claim: PartitionClaim,
    nextOffset: number,
    rows: Partial<PlannedRows> = {},
    state: ReadonlyMap<string, string | null> = new Map(),
  ): Promise<CommitReceipt> {
    const staged = await this.store.stage(plannedRows(rows));
    const { topic, partition } = claim;
    const stored = await this.store.state([...state.keys()]);
    const moves = Array.from(state, ([key, value]): [string, StateMove] => [
      key,
      { value, owner: { topic, partition }, was: stored.has(key) ? 'own' : 'absent' },
    ]);
    return this.store.commit(staged, { partitions: [{ claim, nextOffset }], state: new Map(moves) });
  }

  /** Values of states, by key. */
  async states(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(Array.from(await this.store.state(keys), ([key, { value }]) => [key, value]));
  }

  async rows(table: TableName, request: Partial<ScanRequest> = {}): Promise<readonly Row[]> {
    const asOf: AsOf = { kind: 'latest' };
    return this.rowsOf(await this.store.plan({ table, asOf, ...request }));
  }

  async rowsOf(plan: ScanPlan): Promise<readonly Row[]> {
    return (await this.harness.rowsOf(plan)).map((row) => canonicalRow(row, plan));
  }

  async nextOffset(partition = 0): Promise<number> {
    const progress = await this.store.progress();
    return progress.find((entry) => entry.topic === TOPIC && entry.partition === partition)?.nextOffset ?? 0;
  }
}

/** The same rows, however ordered, each as often. */
export function expectRows(actual: readonly Row[], expected: readonly Row[]): void {
  expect(inOrder(actual)).toEqual(inOrder(expected));
}

/** Decimals in their shortest form: `1.50000000` and `1.5` are the same value. */
function canonicalRow(row: Row, plan: ScanPlan): Row {
  const canonical: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    const isDecimal = plan.fields.some((field) => field.name === name && field.type === 'decimal');
    canonical[name] = isDecimal && typeof value === 'string' ? printDecimal(parseDecimal(value)) : value;
  }
  return canonical;
}

function inOrder(rows: readonly Row[]): Row[] {
  const printable = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  const sortKey = (row: Row) =>
    JSON.stringify(
      Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)),
      printable,
    );
  return rows
    .map(plainBytes)
    .map((row) => ({ row, key: sortKey(row) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}

/** Bytes compared as bytes, whether Buffer or Uint8Array, of this realm or another. */
function plainBytes(row: Row): Row {
  const isBytes = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isBytes(value) ? { bytes: Array.from(value) } : value]),
  );
}
