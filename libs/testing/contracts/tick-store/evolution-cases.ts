import { expect, it } from '@jest/globals';
import { TRADES_SCHEMA } from '@k2/domain/market';
import type { SchemaChange } from '@k2/ports';
import { placed, tickRows, tradeBatch, type Row } from '../../builders/index.ts';
import { expectRows, TRADES, type TickStoreBenches, type TickStoreCapabilities } from './bench.ts';

const trades = (offset: number) => placed(tradeBatch({ firstSequence: 1 + offset * 100 }), offset);
const withField = (rows: readonly Row[], name: string, value: unknown) =>
  rows.map((row) => ({ ...row, [name]: value }));
const renamed = (rows: readonly Row[], name: string, to: string) =>
  rows.map(({ [name]: value, ...row }) => ({ ...row, [to]: value }));

/** Schemas change without a rewrite: old rows survive every change. */
export function evolutionCases(benches: TickStoreBenches, capabilities: TickStoreCapabilities): void {
  it('7.1 an added field is null in old rows and in new ones, and shows at once', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.store.evolve(TRADES, [{ kind: 'add', name: 'venue_flags', type: 'string', doc: 'Flags.' }]);
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(plan.fields.find((field) => field.name === 'venue_flags')).toMatchObject({
      type: 'string',
      required: false,
    });
    await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
    expectRows(
      await bench.rows(TRADES),
      withField([...tickRows(trades(0)), ...tickRows(trades(1))], 'venue_flags', null),
    );
  });

  it('7.2 an added field takes an id that no field, list element or map entry has', async () => {
    const bench = await benches.open();
    const taken = TRADES_SCHEMA.fields.flatMap(({ id, nestedId }) => (nestedId === undefined ? [id] : [id, nestedId]));
    taken.push(TRADES_SCHEMA.fields.find((field) => field.name === 'vendor_data')!.nestedId! + 1);
    await bench.store.evolve(TRADES, [{ kind: 'add', name: 'tags', type: 'string-list' }]);
    await bench.store.evolve(TRADES, [{ kind: 'add', name: 'note', type: 'string' }]);
    const { fields } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    const ids = ['tags', 'note'].map((name) => fields.find((field) => field.name === name)!.id);
    expect(ids.filter((id) => taken.includes(id))).toEqual([]);
    // A list takes a second id, for its element.
    expect(ids[1]).toBeGreaterThan(ids[0] + 1);
  });

  it('7.3 a renamed field keeps its id, its old values, and takes new ones', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.store.evolve(TRADES, [{ kind: 'rename', name: 'price', to: 'trade_price' }]);
    await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
    const { fields } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(fields.find((field) => field.id === 6)).toMatchObject({ name: 'trade_price', type: 'decimal' });
    const expected = renamed([...tickRows(trades(0)), ...tickRows(trades(1))], 'price', 'trade_price');
    expectRows(await bench.rows(TRADES), expected);
  });

  it('7.4 a name given up by a rename is free for another field, which does not get the old values', async () => {
    const bench = await benches.open();
    await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.store.evolve(TRADES, [
      { kind: 'rename', name: 'currency', to: 'quote_currency' },
      { kind: 'add', name: 'currency', type: 'string' },
    ]);
    expectRows(
      await bench.rows(TRADES),
      withField(renamed(tickRows(trades(0)), 'currency', 'quote_currency'), 'currency', null),
    );
  });

  it('7.5 int widens to long', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.store.evolve(TRADES, [{ kind: 'add', name: 'lots', type: 'int' }]);
    const second = await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
    await bench.store.evolve(TRADES, [{ kind: 'widen', name: 'lots', to: 'long' }]);
    await bench.commit(second.claims[0], 3, { ticks: [trades(2)] });
    const { fields } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(fields.find((field) => field.name === 'lots')).toMatchObject({ type: 'long' });
    expectRows(
      await bench.rows(TRADES),
      withField(
        [0, 1, 2].flatMap((offset) => tickRows(trades(offset))),
        'lots',
        null,
      ),
    );
  });

  const invalid: readonly (readonly [string, SchemaChange])[] = [
    ['adding a name that is taken', { kind: 'add', name: 'price', type: 'string' }],
    ['adding a field without a name', { kind: 'add', name: '', type: 'string' }],
    ['renaming a field that is not there', { kind: 'rename', name: 'nothing', to: 'something' }],
    ['renaming to a name that is taken', { kind: 'rename', name: 'price', to: 'quantity' }],
    ['widening a field that is not there', { kind: 'widen', name: 'nothing', to: 'long' }],
    ['widening string to long', { kind: 'widen', name: 'symbol', to: 'long' }],
    ['narrowing long to int', { kind: 'widen', name: 'source_sequence', to: 'int' }],
  ];
  for (const [what, change] of invalid) {
    it(`7.6 refuses ${what}, and the changes asked for with it`, async () => {
      const bench = await benches.open();
      const before = structuredClone(await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } }));
      const changes: SchemaChange[] = [{ kind: 'add', name: 'note', type: 'string' }, change];
      await expect(bench.store.evolve(TRADES, changes)).rejects.toMatchObject({ kind: 'invalid-schema-change' });
      expect(await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } })).toEqual(before);
    });
  }

  it('7.7 rows staged before a change are committed after it', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const staged = await bench.store.stage({ ticks: [trades(0)], gaps: [], sessions: [], quarantine: [] });
    await bench.store.evolve(TRADES, [{ kind: 'rename', name: 'price', to: 'trade_price' }]);
    await bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() });
    expectRows(await bench.rows(TRADES), renamed(tickRows(trades(0)), 'price', 'trade_price'));
  });

  if (!capabilities.timeTravel) return;

  it('7.8 an earlier snapshot is read with the schema that it had', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.store.evolve(TRADES, [
      { kind: 'rename', name: 'price', to: 'trade_price' },
      { kind: 'add', name: 'note', type: 'string' },
    ]);
    await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
    const asOf = { kind: 'snapshot', snapshotId: first.snapshots.get(TRADES)! } as const;
    expectRows(await bench.rows(TRADES, { asOf }), tickRows(trades(0)));
  });
}
