import { expect, it } from '@jest/globals';
import { placed, quoteBatch, tickRows } from '../../builders/index.ts';
import { expectRows, QUOTES, TRADES } from '../tick-store/bench.ts';
import { HOUR_MS, NOTHING_KEPT, trades, tradeRows, type MaintenanceBench, type MaintenanceBenches } from './bench.ts';

const HOURLY = { keepNewest: 1, tiers: [{ ageMs: 1_000 * HOUR_MS, everyMs: HOUR_MS }] };
const expire = (
  bench: MaintenanceBench,
  retention = NOTHING_KEPT,
  dryRun = false,
  table: typeof TRADES | typeof QUOTES = TRADES,
) => bench.maintenance.expireSnapshots(table, retention, { dryRun });

/** Snapshots go, and files that only they needed; what is kept, and what is current, stays what it is. */
export function expiryCases(benches: MaintenanceBenches): void {
  it('2.1 what is given up is unknown from then on; the newest state stays whole', async () => {
    const bench = await benches.open();
    const receipts = await bench.commitTrades(0, 4);
    await bench.compact();
    bench.passGrace();
    const report = await expire(bench);
    expect(report).toMatchObject({ snapshotsBefore: 5, expiredSnapshots: 4 });
    // Four data files, at least as many manifests and lists.
    expect(report.deletedFiles).toBeGreaterThanOrEqual(4);
    expect(report.deletedBytes).toBeGreaterThan(0);
    await bench.expectTrades(tradeRows(0, 1, 2, 3));
    expect(await bench.store.snapshots(TRADES, 10)).toHaveLength(1);
    const unknown = { kind: 'unknown-snapshot' };
    for (const { snapshots, committedUs } of receipts) {
      const snapshotId = snapshots.get(TRADES)!;
      await expect(bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } })).rejects.toMatchObject(unknown);
      await expect(bench.rows(TRADES, { asOf: { kind: 'time', timeUs: committedUs } })).rejects.toMatchObject(unknown);
    }
    // There was a first snapshot, so an empty answer would be wrong.
    const timeUs = receipts[0].committedUs - 1;
    await expect(bench.rows(TRADES, { asOf: { kind: 'time', timeUs } })).rejects.toMatchObject(unknown);
  });

  it('2.2 a dry run changes nothing and says what the real one does, which a second one finds done', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 4);
    await bench.compact();
    bench.passGrace();
    const before = await bench.state();
    const expected = await expire(bench, NOTHING_KEPT, true);
    expect(await bench.state()).toEqual(before);
    expect(await expire(bench)).toEqual({ ...expected, dryRun: false });
    const after = await bench.state();
    expect(await expire(bench)).toMatchObject({
      snapshotsBefore: 1,
      expiredSnapshots: 0,
      deletedFiles: 0,
      deletedBytes: 0,
    });
    expect(await bench.state()).toEqual(after);
  });

  it('2.3 what is kept gives what it gave, by id and by time; the time of what is not is refused', async () => {
    const bench = await benches.open();
    const { clock } = bench.world;
    const toNextHour = () => bench.world.advanceMs(HOUR_MS - ((clock.nowUs() / 1_000) % HOUR_MS));
    toNextHour();
    const receipts = [];
    for (let hour = 0; hour < 3; hour++) {
      for (let commit = 0; commit < 3; commit++) {
        receipts.push(...(await bench.commitTrades(3 * hour + commit, 3 * hour + commit + 1)));
        bench.world.advanceMs(60_000);
      }
      toNextHour();
    }
    await bench.compact();
    bench.passGrace();
    await expire(bench, HOURLY);
    for (const index of [2, 5, 8]) {
      const expected = tradeRows(...Array.from({ length: index + 1 }, (_, offset) => offset));
      const { snapshots, committedUs } = receipts[index];
      const snapshotId = snapshots.get(TRADES)!;
      expectRows(await bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } }), expected);
      // Until the next commit, the first one of the next hour.
      const untilUs = receipts[index + 1]?.committedUs ?? committedUs + 1_000;
      for (const timeUs of [committedUs, untilUs - 1])
        expectRows(await bench.rows(TRADES, { asOf: { kind: 'time', timeUs } }), expected);
    }
    for (const index of [0, 1, 3, 4, 6, 7]) {
      const untilUs = receipts[index + 1].committedUs;
      for (const timeUs of [receipts[index].committedUs, untilUs - 1]) {
        const asOf = { kind: 'time', timeUs } as const;
        await expect(bench.rows(TRADES, { asOf })).rejects.toMatchObject({ kind: 'unknown-snapshot' });
      }
    }
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4, 5, 6, 7, 8));
    // Expired once more, what was kept and is kept stays as it is.
    const before = await bench.state();
    expect(await expire(bench, HOURLY)).toMatchObject({ expiredSnapshots: 0 });
    expect(await bench.state()).toEqual(before);
  });

  it('2.4 who planned a scan of the newest rows can finish it, whatever is committed and expired meanwhile', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 3);
    // The snapshot is old, but it was the newest until just now.
    bench.world.advanceMs(10 * bench.world.graceMs);
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    await bench.compact();
    bench.world.advanceMs(bench.world.graceMs - 1_000);
    expect(await expire(bench)).toMatchObject({ expiredSnapshots: 2 });
    expectRows(await bench.rowsOf(plan), tradeRows(0, 1, 2));
    bench.world.advanceMs(2_000);
    expect(await expire(bench)).toMatchObject({ expiredSnapshots: 1 });
    await bench.expectTrades(tradeRows(0, 1, 2));
  });

  it('2.5 a kept instant of one table is one of all: what the others were then is kept too', async () => {
    const bench = await benches.open();
    const quotes = (offset: number) => placed(quoteBatch({ firstSequence: 1 + 10 * offset }), offset);
    await bench.commitAll([{ ticks: [quotes(0)] }]);
    bench.world.advanceMs(60_000);
    const [kept] = await bench.commitAll([{ ticks: [trades(1)] }]);
    bench.world.advanceMs(60_000);
    // In the same hour: quotes alone would keep only their last snapshot of it.
    await bench.commitAll([{ ticks: [quotes(2)] }]);
    bench.world.advanceMs(2 * HOUR_MS);
    await bench.commitAll([{ ticks: [trades(3), quotes(4)] }]);
    bench.world.advanceMs(2 * HOUR_MS);
    for (const table of [QUOTES, TRADES] as const) await expire(bench, HOURLY, false, table);
    const asOf = { kind: 'time', timeUs: kept.committedUs } as const;
    expectRows(await bench.rows(TRADES, { asOf }), tradeRows(1));
    expectRows(await bench.rows(QUOTES, { asOf }), tickRows(quotes(0)));
  });

  it('2.6 a table without snapshots has none to give up', async () => {
    const bench = await benches.open();
    expect(await expire(bench)).toMatchObject({ snapshotsBefore: 0, expiredSnapshots: 0, deletedFiles: 0 });
  });

  it('2.7 progress and commits go on from where they were', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 3);
    const [{ progress }] = await bench.store.snapshots(TRADES, 1);
    bench.passGrace();
    await expire(bench);
    expect((await bench.store.snapshots(TRADES, 1))[0].progress).toEqual(progress);
    await bench.commitTrades(3, 5);
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4));
    expect(await bench.nextOffset()).toBe(5);
  });

  it('2.8 a table that there is not is unknown', async () => {
    const bench = await benches.open();
    const missing = 'market_data.orders' as typeof TRADES;
    const unknown = { kind: 'unknown-table' };
    await expect(bench.maintenance.expireSnapshots(missing, NOTHING_KEPT, { dryRun: true })).rejects.toMatchObject(
      unknown,
    );
    await expect(bench.compact({}, missing)).rejects.toMatchObject(unknown);
    await expect(bench.maintenance.rewriteManifests(missing, { dryRun: true })).rejects.toMatchObject(unknown);
  });
}
