import { describe, expect, it } from '@jest/globals';
import { recordSchema, type TableName } from '@k2/domain/market';
import { PortError, type ScanField, type ScanPlan, type ScanRequest, type TickStore } from '@k2/ports';
import { plansAsOf } from './plans-as-of.ts';

const TRADES: TableName = 'market_data.trades';
const QUOTES: TableName = 'market_data.quotes';

/** Snapshots by table, as (id, time) from oldest to newest; `arriving` is committed when its table was planned once. */
class FakeStore {
  readonly snapshots: Partial<Record<TableName, [bigint, number][]>>;
  arriving: Partial<Record<TableName, [bigint, number]>> = {};
  fieldsOf: (fields: readonly ScanField[]) => readonly ScanField[] = (fields) => fields;

  constructor(snapshots: FakeStore['snapshots']) {
    this.snapshots = snapshots;
  }

  async plan({ table, asOf }: ScanRequest): Promise<ScanPlan> {
    const all = this.snapshots[table] ?? [];
    const found =
      asOf.kind === 'latest'
        ? all.at(-1)
        : asOf.kind === 'snapshot'
          ? all.find(([id]) => id === asOf.snapshotId)
          : all.findLast(([, timeUs]) => timeUs <= asOf.timeUs);
    for (const [late, snapshot] of Object.entries(this.arriving)) this.snapshots[late as TableName]!.push(snapshot);
    this.arriving = {};
    if (found === undefined && asOf.kind === 'snapshot')
      throw new PortError('unknown-snapshot', `${table} has no such`);
    if (found === undefined && asOf.kind === 'time') throw new PortError('no-snapshot-before', `${table} had none`);
    const [snapshotId, committedUs] = found ?? [null, null];
    const fields = this.fieldsOf(recordSchema(table).fields);
    return { table, snapshotId, committedUs, fields, files: [], filesTotal: 0, alterations: [] };
  }
}

const only = (store: FakeStore) =>
  ({ plan: (request: ScanRequest) => store.plan(request) }) as Partial<TickStore> as TickStore;
const planned = async (store: FakeStore, asOf: ScanRequest['asOf']) =>
  (await plansAsOf(only(store), [{ table: TRADES }, { table: QUOTES }], asOf)).plans.map(
    ({ snapshotId }) => snapshotId,
  );

describe('plans of several tables', () => {
  it('are of one commit, also where it lands between two of them', async () => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]], [QUOTES]: [[2n, 10]] });
    store.arriving = { [TRADES]: [3n, 20], [QUOTES]: [4n, 20] };
    expect(await planned(store, { kind: 'latest' })).toEqual([3n, 4n]);
  });

  it('mean by a time that has not passed yet the last commit so far, on every page', async () => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]], [QUOTES]: [[2n, 15]] });
    const requests = [{ table: TRADES }, { table: QUOTES }];
    const { asOfUs } = await plansAsOf(only(store), requests, { kind: 'time', timeUs: 100 });
    expect(asOfUs).toBe(15);
    store.snapshots[TRADES]!.push([3n, 20]);
    store.snapshots[QUOTES]!.push([4n, 20]);
    expect(await planned(store, { kind: 'time', timeUs: asOfUs! })).toEqual([1n, 2n]);
  });

  it('are of one commit, also where it lands between two of them and before the time asked for', async () => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]], [QUOTES]: [[2n, 10]] });
    store.arriving = { [TRADES]: [3n, 20], [QUOTES]: [4n, 20] };
    expect(await planned(store, { kind: 'time', timeUs: 100 })).toEqual([3n, 4n]);
  });

  it('mean by a snapshot id the instant of its commit, whichever table it is of', async () => {
    const store = new FakeStore({
      [TRADES]: [
        [1n, 10],
        [3n, 20],
      ],
      [QUOTES]: [
        [2n, 10],
        [4n, 20],
      ],
    });
    expect(await planned(store, { kind: 'snapshot', snapshotId: 2n })).toEqual([1n, 2n]);
    await expect(planned(store, { kind: 'snapshot', snapshotId: 9n })).rejects.toMatchObject({
      kind: 'unknown-snapshot',
    });
  });

  it('are empty where only tables are asked for that had nothing then, while others had', async () => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]], [QUOTES]: [] });
    const of = async (timeUs: number) =>
      (await plansAsOf(only(store), [{ table: 'audit.quarantine' }], { kind: 'time', timeUs })).plans;
    expect((await of(15)).map(({ files }) => files)).toEqual([[]]);
    await expect(of(5)).rejects.toMatchObject({ kind: 'no-snapshot-before' });
  });

  it('are empty of a table that had nothing then; where none had, that is said', async () => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]], [QUOTES]: [[2n, 20]] });
    expect(await planned(store, { kind: 'time', timeUs: 15 })).toEqual([1n, null]);
    await expect(planned(store, { kind: 'time', timeUs: 5 })).rejects.toMatchObject({ kind: 'no-snapshot-before' });
  });
});

describe('columns of a plan', () => {
  const plan = async (fieldsOf: FakeStore['fieldsOf']) => {
    const store = new FakeStore({ [TRADES]: [[1n, 10]] });
    store.fieldsOf = fieldsOf;
    return (await plansAsOf(only(store), [{ table: TRADES }], { kind: 'latest' })).plans[0];
  };
  const names = recordSchema(TRADES).fields.map(({ name }) => name);

  it("have K2's names, whatever another engine calls them, and others behind them under theirs", async () => {
    const other: ScanField = { id: 90, name: 'note', type: 'string', required: false };
    const { fields, snapshotFields } = await plan((all) => [
      other,
      ...all.map((field) => (field.name === 'price' ? { ...field, name: 'px' } : field)),
    ]);
    expect(fields.map(({ name }) => name)).toEqual([...names, 'note']);
    expect(fields.find(({ name }) => name === 'price')).toMatchObject({ id: 6, type: 'decimal' });
    expect(snapshotFields?.find(({ id }) => id === 6)).toMatchObject({ name: 'px' });
  });

  it('give up a column of another engine that has taken the name of one of ours', async () => {
    const taker: ScanField = { id: 90, name: 'price', type: 'string', required: false };
    const { fields } = await plan((all) => [
      ...all.map((field) => (field.name === 'price' ? { ...field, name: 'px' } : field)),
      taker,
    ]);
    expect(fields.map(({ id, name }) => [id, name]).filter(([, name]) => name === 'price')).toEqual([[6, 'price']]);
    expect(fields).toHaveLength(names.length);
  });

  it('are there where an optional one was dropped; a required one is an error that names table and column', async () => {
    const without = (name: string) => plan((all) => all.filter((field) => field.name !== name));
    expect((await without('vendor_data')).fields.map(({ name }) => name)).toEqual(names);
    await expect(without('price')).rejects.toMatchObject({
      kind: 'invalid-schema-change',
      message: expect.stringMatching(/market_data\.trades has no column .* price/),
    });
  });
});
