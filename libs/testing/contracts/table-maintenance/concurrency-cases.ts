import { setImmediate as othersTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { TRADES } from '../tick-store/bench.ts';
import { NOTHING_KEPT, tradeRows, type MaintenanceBenches } from './bench.ts';

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Writers, and other maintainers, go on meanwhile: no row is lost, none is there twice. */
export function concurrencyCases(benches: MaintenanceBenches): void {
  it('6.1 compaction in a loop while appends commit', async () => {
    const bench = await benches.open();
    let isWriting = true;
    const merging = (async () => {
      const reports = [];
      while (isWriting) {
        reports.push(await bench.compact({ filesMin: 2, closedBeforeUs: 0 }));
        // A run that finds nothing to do need not wait for anything.
        await othersTurn();
      }
      return reports;
    })();
    await bench.commitTrades(0, 25).finally(() => (isWriting = false));
    const reports = await merging;
    await bench.expectTrades(tradeRows(...range(25)));
    expect(reports.reduce((sum, { groups }) => sum + groups, 0)).toBeGreaterThan(0);
    expect(await bench.nextOffset()).toBe(25);
    await bench.compact();
    await bench.expectTrades(tradeRows(...range(25)));
  });

  it('6.2 two compactors at once: one replaces the files, the other gives its group up or finds it done', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 6);
    await bench.commitTrades(6, 12, 1);
    const other = bench.world.another();
    const reports = await Promise.all([bench.compact(), bench.compact({}, TRADES, other)]);
    const sum = (of: (report: (typeof reports)[0]) => number) =>
      reports.reduce((total, report) => total + of(report), 0);
    expect(sum(({ groups }) => groups)).toBe(2);
    expect(sum(({ filesBefore }) => filesBefore)).toBe(12);
    expect(await bench.rows(TRADES)).toHaveLength(36);
    const { files } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(files).toHaveLength(2);
    expect((await bench.store.snapshots(TRADES, 1))[0]).toMatchObject({ totalRows: 36, totalFiles: 2 });
  });

  it('6.3 every task at once, by two maintainers, while appends commit', async () => {
    const bench = await benches.open();
    let isWriting = true;
    const maintainers = [bench.maintenance, bench.world.another()].map(async (by) => {
      while (isWriting) {
        await bench.compact({ filesMin: 3, closedBeforeUs: 0 }, TRADES, by);
        await by.rewriteManifests(TRADES, { dryRun: false });
        await by.expireSnapshots(TRADES, NOTHING_KEPT, { dryRun: false });
        await othersTurn();
        await by.removeOrphans(TRADES, { dryRun: false, olderThanUs: bench.world.clock.nowUs() - 3_600_000_000 });
      }
    });
    const writing = async () => {
      for (const offset of range(25)) {
        await bench.commitTrades(offset, offset + 1);
        bench.world.advanceMs(bench.world.graceMs / 3);
      }
    };
    await writing().finally(() => (isWriting = false));
    await Promise.all(maintainers);
    await bench.expectTrades(tradeRows(...range(25)));
    const snapshots = await bench.store.snapshots(TRADES, 100);
    expect(snapshots[0]).toMatchObject({ totalRows: 75, progress: [{ nextOffset: 25 }] });
    for (const { snapshotId, totalRows } of snapshots) {
      expect(await bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } })).toHaveLength(totalRows);
    }
  });
}
