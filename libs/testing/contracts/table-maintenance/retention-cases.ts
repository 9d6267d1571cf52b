import { expect, it } from '@jest/globals';
import { US_PER_DAY } from '@k2/domain/market';
import { DAY_START_US, gapRecord, gapRow, placed, tickRows, tradeBatch } from '../../builders/index.ts';
import { expectRows, TRADES } from '../tick-store/bench.ts';
import { NOTHING_KEPT, trades, tradeRows, type MaintenanceBench, type MaintenanceBenches } from './bench.ts';

const dayRows = (...days: readonly number[]) => days.flatMap((day) => tickRows(trades(day, day)));
const drop = (bench: MaintenanceBench, beforeUs: number, dryRun = false) =>
  bench.maintenance.dropBefore(TRADES, { dryRun, beforeUs });

/** Old days go as a whole, by metadata only: earlier snapshots have them as long as they are kept. */
export function retentionCases(benches: MaintenanceBenches): void {
  const daysCommitted = async (count: number) => {
    const bench = await benches.open();
    const receipts = [];
    for (let day = 0; day < count; day++) receipts.push(...(await bench.commitTrades(day, day + 1, day)));
    return { bench, receipts };
  };

  it('5.1 days that ended before go, to the µs; all others stay', async () => {
    const { bench } = await daysCommitted(4);
    expect(await drop(bench, DAY_START_US + 2 * US_PER_DAY - 1)).toMatchObject({
      hasTimePartitions: true,
      droppedFiles: 1,
      droppedRows: 3,
    });
    await bench.expectTrades(dayRows(1, 2, 3));
    expect(await drop(bench, DAY_START_US + 2 * US_PER_DAY)).toMatchObject({ droppedFiles: 1 });
    await bench.expectTrades(dayRows(2, 3));
    const [newest] = await bench.store.snapshots(TRADES, 1);
    expect(newest).toMatchObject({ operation: 'delete', totalRows: 6, totalFiles: 2, addedRows: 0 });
  });

  it('5.2 a dry run changes nothing and says what the real one does, which a second one finds done', async () => {
    const { bench } = await daysCommitted(3);
    const before = await bench.state();
    const expected = await drop(bench, DAY_START_US + US_PER_DAY, true);
    expect(expected).toMatchObject({ dryRun: true, droppedFiles: 1, droppedRows: 3 });
    expect(await bench.state()).toEqual(before);
    expect(await drop(bench, DAY_START_US + US_PER_DAY)).toEqual({ ...expected, dryRun: false });
    const after = await bench.state();
    expect(await drop(bench, DAY_START_US + US_PER_DAY)).toMatchObject({
      droppedFiles: 0,
      droppedRows: 0,
      droppedBytes: 0,
    });
    expect(await bench.state()).toEqual(after);
  });

  it('5.3 earlier snapshots have the rows until they are given up, and offsets are carried forward', async () => {
    const { bench, receipts } = await daysCommitted(3);
    const [{ progress }] = await bench.store.snapshots(TRADES, 1);
    await drop(bench, DAY_START_US + 2 * US_PER_DAY);
    expect((await bench.store.snapshots(TRADES, 1))[0].progress).toEqual(progress);
    const asOf = { kind: 'snapshot', snapshotId: receipts[2].snapshots.get(TRADES)! } as const;
    expectRows(await bench.rows(TRADES, { asOf }), dayRows(0, 1, 2));
    bench.passGrace();
    await bench.maintenance.expireSnapshots(TRADES, NOTHING_KEPT, { dryRun: false });
    await expect(bench.rows(TRADES, { asOf })).rejects.toMatchObject({ kind: 'unknown-snapshot' });
    await bench.expectTrades(dayRows(2));
  });

  it('5.4 rows that come for a dropped day are there until it is dropped again', async () => {
    const { bench } = await daysCommitted(2);
    await drop(bench, DAY_START_US + US_PER_DAY);
    const late = placed(tradeBatch({ firstSequence: 900 }), 9);
    const expected = tickRows(late);
    await bench.commitAll([{ ticks: [late] }]);
    await bench.expectTrades([...dayRows(1), ...expected]);
    expect(await drop(bench, DAY_START_US + US_PER_DAY)).toMatchObject({ droppedRows: 3 });
    await bench.expectTrades(dayRows(1));
  });

  it('5.5 of a table that is not partitioned by time nothing is dropped, and the report says why', async () => {
    const bench = await benches.open();
    await bench.commitAll([{ ticks: [trades(0)], gaps: [gapRecord()] }]);
    const report = await bench.maintenance.dropBefore('audit.sequence_gaps', { dryRun: false, beforeUs: 9e15 });
    expect(report).toMatchObject({ hasTimePartitions: false, droppedFiles: 0, droppedRows: 0 });
    expectRows(await bench.rows('audit.sequence_gaps'), [gapRow(gapRecord())]);
    await bench.expectTrades(tradeRows(0));
  });
}
