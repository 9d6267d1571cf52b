import { expect, it } from '@jest/globals';
import { TRADES } from '../tick-store/bench.ts';
import { tradeRows, type MaintenanceBenches } from './bench.ts';

const OFFSETS = [0, 1, 2, 3, 4, 5];

/** How a store lists its files is its own; that it may write the list anew without changing a row is not. */
export function manifestCases(benches: MaintenanceBenches): void {
  it('4.1 a dry run changes nothing and says what the real one does, which a second one finds done', async () => {
    const bench = await benches.open();
    for (const day of OFFSETS) await bench.commitTrades(day, day + 1, day % 2);
    const before = await bench.state();
    const rows = await bench.rows(TRADES);
    const expected = await bench.maintenance.rewriteManifests(TRADES, { dryRun: true });
    expect(await bench.state()).toEqual(before);
    const real = await bench.maintenance.rewriteManifests(TRADES, { dryRun: false });
    expect(real).toEqual({ ...expected, dryRun: false });
    expect(real.manifestsAfter).toBeLessThanOrEqual(real.manifestsBefore);
    const after = await bench.state();
    expect(after.files).toEqual(before.files);
    expect(await bench.rows(TRADES)).toHaveLength(rows.length);
    const again = await bench.maintenance.rewriteManifests(TRADES, { dryRun: false });
    expect(again).toMatchObject({ manifestsBefore: real.manifestsAfter, manifestsAfter: real.manifestsAfter });
    expect(await bench.state()).toEqual(after);
  });

  it('4.2 rows, offsets and earlier snapshots stay as they are, and commits go on', async () => {
    const bench = await benches.open();
    const receipts = await bench.commitTrades(0, 6);
    const [{ progress }] = await bench.store.snapshots(TRADES, 1);
    await bench.maintenance.rewriteManifests(TRADES, { dryRun: false });
    expect((await bench.store.snapshots(TRADES, 1))[0]).toMatchObject({ progress, totalRows: 18, totalFiles: 6 });
    const snapshotId = receipts[2].snapshots.get(TRADES)!;
    expect(await bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } })).toHaveLength(9);
    await bench.commitTrades(6, 7);
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4, 5, 6));
  });
}
