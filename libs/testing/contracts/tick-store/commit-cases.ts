import { expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import {
  gapRecord,
  placed,
  plannedRows,
  quarantineRecord,
  quoteBatch,
  sessionRecord,
  tickRows,
  tradeBatch,
} from '../../builders/index.ts';
import { expectRows, QUOTES, TOPIC, TOPIC_ID, TRADES, type TickStoreBenches } from './bench.ts';

const trades = (offset: number, count = 3) => placed(tradeBatch({ count, firstSequence: 1 + offset * 100 }), offset);

/** Rows become visible with their progress, in all tables at once, or not at all. */
export function commitCases(benches: TickStoreBenches): void {
  it('1.1 a commit makes rows visible together with their progress', async () => {
    const bench = await benches.open();
    const receipt = await bench.commit(await bench.claim(), 2, { ticks: [trades(0), trades(1)] });
    expect(receipt.rowCount).toBe(6);
    expect([...receipt.snapshots.keys()]).toEqual([TRADES]);
    expectRows(await bench.rows(TRADES), [...tickRows(trades(0)), ...tickRows(trades(1))]);
    expect(await bench.store.progress()).toEqual([{ topic: TOPIC, partition: 0, topicId: TOPIC_ID, nextOffset: 2 }]);
  });

  it('1.2 staged rows are invisible until committed, and move no progress', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    expect(staged.rowCount).toBe(3);
    expect(await bench.rows(TRADES)).toEqual([]);
    expect(await bench.nextOffset()).toBe(0);
    await bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() });
    expect(await bench.rows(TRADES)).toHaveLength(3);
  });

  it('1.3 discarded rows never become visible and cannot be committed', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    await bench.store.discard(staged);
    await expect(
      bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() }),
    ).rejects.toThrow();
    expect(await bench.rows(TRADES)).toEqual([]);
    expect(await bench.nextOffset()).toBe(0);
  });

  it('1.4 staged rows are committed once: again is an error, and discarding them then takes nothing away', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    const receipt = await bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() });
    const again = { partitions: [{ claim: receipt.claims[0], nextOffset: 2 }], state: new Map() };
    await expect(bench.store.commit(staged, again)).rejects.toThrow();
    await bench.store.discard(staged).catch(() => undefined);
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
    expect(await bench.nextOffset()).toBe(1);
  });

  it('1.5 one commit writes several tables, all with the same committedUs', async () => {
    const bench = await benches.open();
    const quotes = placed(quoteBatch(), 1);
    // The store takes the columns' memory over.
    const quoteRows = tickRows(quotes);
    const receipt = await bench.commit(await bench.claim(), 2, {
      ticks: [trades(0), quotes],
      gaps: [gapRecord()],
      sessions: [sessionRecord()],
      quarantine: [quarantineRecord()],
    });
    expect(receipt.rowCount).toBe(9);
    const tables = [TRADES, QUOTES, 'audit.sequence_gaps', 'audit.sessions', 'audit.quarantine'] as const;
    expect([...receipt.snapshots.keys()].sort()).toEqual([...tables].sort());
    for (const table of tables) {
      const [snapshot] = await bench.store.snapshots(table, 10);
      expect(snapshot).toMatchObject({ snapshotId: receipt.snapshots.get(table), committedUs: receipt.committedUs });
    }
    expectRows(await bench.rows(QUOTES), quoteRows);
  });

  it('1.6 a commit without rows moves the progress and adds no snapshot', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    const empty = await bench.commit(first.claims[0], 7);
    expect(empty.rowCount).toBe(0);
    expect(empty.snapshots.size).toBe(0);
    expect(await bench.nextOffset()).toBe(7);
    expect(await bench.store.snapshots(TRADES, 10)).toHaveLength(1);
    await bench.commit(empty.claims[0], 8, { ticks: [trades(7)] });
    expect(await bench.nextOffset()).toBe(8);
  });

  it('1.7 the claims of a receipt carry the next commit', async () => {
    const bench = await benches.open();
    let claim = await bench.claim();
    for (const nextOffset of [1, 2, 3]) {
      const receipt = await bench.commit(claim, nextOffset, { ticks: [trades(nextOffset - 1)] });
      expect(receipt.claims).toEqual([{ ...claim, nextOffset }]);
      claim = receipt.claims[0];
    }
    expect(await bench.rows(TRADES)).toHaveLength(9);
  });

  it('1.8 state is put, replaced and removed with the commit, and read back by key', async () => {
    const bench = await benches.open();
    const first = await bench.commit(
      await bench.claim(),
      1,
      {},
      new Map([
        ['a', '1'],
        ['b', '{"x":"é"}'],
      ]),
    );
    expect(await bench.states(['a', 'b', 'absent'])).toEqual(
      new Map([
        ['a', '1'],
        ['b', '{"x":"é"}'],
      ]),
    );
    await bench.commit(
      first.claims[0],
      2,
      {},
      new Map([
        ['a', null],
        ['b', '2'],
        ['c', '3'],
      ]),
    );
    expect(await bench.states(['a', 'b', 'c'])).toEqual(
      new Map([
        ['b', '2'],
        ['c', '3'],
      ]),
    );
    expect(await bench.states(['c'])).toEqual(new Map([['c', '3']]));
    expect(await bench.states([])).toEqual(new Map());
  });

  it('1.9 rows may be staged while an earlier stage is being committed', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const first = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    const [receipt, second] = await Promise.all([
      bench.store.commit(first, { partitions: [{ claim, nextOffset: 1 }], state: new Map() }),
      bench.store.stage(plannedRows({ ticks: [trades(1)] })),
    ]);
    await bench.store.commit(second, { partitions: [{ claim: receipt.claims[0], nextOffset: 2 }], state: new Map() });
    expectRows(await bench.rows(TRADES), [...tickRows(trades(0)), ...tickRows(trades(1))]);
  });

  it('1.10 concurrent commits of different partitions all survive', async () => {
    const bench = await benches.open();
    const writeAll = async (partition: number) => {
      let claim = await bench.claim(partition, `writer-${partition}`);
      for (let nextOffset = 1; nextOffset <= 4; nextOffset++) {
        const receipt = await bench.commit(claim, nextOffset, { ticks: [trades(partition * 10 + nextOffset, 2)] });
        claim = receipt.claims[0];
      }
    };
    await Promise.all([writeAll(0), writeAll(1)]);
    const expected = [1, 2, 3, 4, 11, 12, 13, 14].flatMap((offset) => tickRows(trades(offset, 2)));
    expectRows(await bench.rows(TRADES), expected);
    expect([await bench.nextOffset(0), await bench.nextOffset(1)]).toEqual([4, 4]);
    const snapshots = await bench.store.snapshots(TRADES, 100);
    expect(snapshots.map((snapshot) => snapshot.totalRows)).toEqual([16, 14, 12, 10, 8, 6, 4, 2]);
  });

  it('1.11 creating tables again keeps what they hold', async () => {
    const bench = await benches.open();
    await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    const tables = await bench.store.stats();
    await bench.store.ensureTables([]);
    await bench.store.ensureTables(RECORD_SCHEMAS);
    expect(await bench.store.stats()).toEqual(tables);
  });

  it('1.12 a table that was never created is unknown to plan, snapshots, evolve and commit', async () => {
    const bench = await benches.openEmpty();
    const unknown = { kind: 'unknown-table' };
    await expect(bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } })).rejects.toMatchObject(unknown);
    await expect(bench.store.snapshots(TRADES, 1)).rejects.toMatchObject(unknown);
    await expect(bench.store.evolve(TRADES, [{ kind: 'add', name: 'note', type: 'string' }])).rejects.toMatchObject(
      unknown,
    );
    const claim = await bench.claim();
    await expect(bench.commit(claim, 1, { ticks: [trades(0)] })).rejects.toMatchObject(unknown);
    expect(await bench.store.stats()).toEqual([]);
  });
}
