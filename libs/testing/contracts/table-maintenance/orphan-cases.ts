import { expect, it } from '@jest/globals';
import { ORPHAN_AGE_MS_MIN } from '@k2/ports';
import { plannedRows } from '../../builders/index.ts';
import { TRADES } from '../tick-store/bench.ts';
import { NOTHING_KEPT, trades, tradeRows, type MaintenanceBench, type MaintenanceBenches } from './bench.ts';

const olderThan = (bench: MaintenanceBench, ageMs = ORPHAN_AGE_MS_MIN) => bench.world.clock.nowUs() - ageMs * 1_000;
const remove = (bench: MaintenanceBench, dryRun = false, olderThanUs = olderThan(bench)) =>
  bench.maintenance.removeOrphans(TRADES, { dryRun, olderThanUs });

/** Files that nothing needs go once they are old; nothing else does. */
export function orphanCases(benches: MaintenanceBenches): void {
  it('3.1 an old file that nothing needs goes, a young one stays; live ones of every snapshot stay', async () => {
    const bench = await benches.open();
    const receipts = await bench.commitTrades(0, 3);
    await bench.compact();
    const old = await bench.world.plant(TRADES);
    bench.world.advanceMs(2 * ORPHAN_AGE_MS_MIN);
    const young = await bench.world.plant(TRADES);
    const report = await remove(bench);
    expect(report).toMatchObject({ deletedFiles: 1, youngFiles: 1, dryRun: false });
    expect(report.keys).toHaveLength(1);
    expect(report.deletedBytes).toBeGreaterThan(0);
    expect([await old.isThere(), await young.isThere()]).toEqual([false, true]);
    await bench.expectTrades(tradeRows(0, 1, 2));
    const snapshotId = receipts[1].snapshots.get(TRADES)!;
    expect(await bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } })).toHaveLength(6);
  });

  it('3.2 a dry run changes nothing and says what the real one does, which a second one finds done', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 2);
    const planted = await bench.world.plant(TRADES);
    bench.world.advanceMs(2 * ORPHAN_AGE_MS_MIN);
    const expected = await remove(bench, true);
    expect(await planted.isThere()).toBe(true);
    expect(await remove(bench)).toEqual({ ...expected, dryRun: false });
    expect(await remove(bench)).toMatchObject({ deletedFiles: 0, deletedBytes: 0, keys: [] });
    await bench.expectTrades(tradeRows(0, 1));
  });

  it('3.3 rows staged and not yet committed are not taken for orphans', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    await bench.world.plant(TRADES);
    bench.world.advanceMs(2 * ORPHAN_AGE_MS_MIN);
    const staged = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    expect(await remove(bench)).toMatchObject({ deletedFiles: 1 });
    await bench.store.commit(staged, { partitions: [{ claim, nextOffset: 1 }], state: new Map() });
    await bench.expectTrades(tradeRows(0));
  });

  it('3.4 rows staged so long ago that they may have been taken for orphans are refused, and can be staged again', async () => {
    const bench = await benches.open();
    const claim = await bench.claim();
    const frozen = await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    bench.world.advanceMs(2 * ORPHAN_AGE_MS_MIN);
    await remove(bench);
    const progress = { partitions: [{ claim, nextOffset: 1 }], state: new Map() };
    await expect(bench.store.commit(frozen, progress)).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    await bench.store.commit(await bench.store.stage(plannedRows({ ticks: [trades(0)] })), progress);
    await bench.expectTrades(tradeRows(0));
  });

  it('3.5 a guard within which commits may be under way is refused', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 1);
    const tooYoung = olderThan(bench, ORPHAN_AGE_MS_MIN - 1);
    await expect(remove(bench, true, tooYoung)).rejects.toMatchObject({ kind: 'not-allowed', retryable: false });
    await expect(remove(bench, false, Infinity)).rejects.toMatchObject({ kind: 'not-allowed' });
  });

  it('3.6 after every other task there is nothing that only orphan removal would find', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 6);
    await bench.compact();
    await bench.commitTrades(6, 8);
    await bench.compact();
    bench.passGrace();
    await bench.maintenance.expireSnapshots(TRADES, NOTHING_KEPT, { dryRun: false });
    bench.world.advanceMs(2 * ORPHAN_AGE_MS_MIN);
    expect(await remove(bench, true)).toMatchObject({ deletedFiles: 0, youngFiles: 0 });
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4, 5, 6, 7));
  });
}
