import { expect, it } from '@jest/globals';
import { gapRecord, gapRow, placed, plannedRows, tickRows, tradeBatch } from '../../builders/index.ts';
import { expectRows, TRADES, type TickStoreBenches } from './bench.ts';

const trades = (offset: number) => placed(tradeBatch({ firstSequence: 1 + offset * 100 }), offset);

/** What was committed is there after a restart; what was not, is not. */
export function durabilityCases(benches: TickStoreBenches): void {
  it('8.1 rows, snapshots, stats, progress and state are there after a restart', async () => {
    const bench = await benches.open();
    const first = await bench.commit(
      await bench.claim(),
      1,
      { ticks: [trades(0)], gaps: [gapRecord()] },
      new Map([['a', '1']]),
    );
    await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
    const before = {
      snapshots: await bench.store.snapshots(TRADES, 10),
      stats: await bench.store.stats(),
      progress: await bench.store.progress(),
      state: await bench.store.state(['a']),
    };
    await bench.reopen();
    expect({
      snapshots: await bench.store.snapshots(TRADES, 10),
      stats: await bench.store.stats(),
      progress: await bench.store.progress(),
      state: await bench.store.state(['a']),
    }).toEqual(before);
    expectRows(await bench.rows(TRADES), [...tickRows(trades(0)), ...tickRows(trades(1))]);
    expectRows(await bench.rows('audit.sequence_gaps'), [gapRow(gapRecord())]);
    const asOf = { kind: 'snapshot', snapshotId: first.snapshots.get(TRADES)! } as const;
    expectRows(await bench.rows(TRADES, { asOf }), tickRows(trades(0)));
  });

  it('8.2 rows that were only staged are gone after a restart', async () => {
    const bench = await benches.open();
    await bench.store.stage(plannedRows({ ticks: [trades(0)] }));
    await bench.reopen();
    expect(await bench.rows(TRADES)).toEqual([]);
    await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    expectRows(await bench.rows(TRADES), tickRows(trades(0)));
  });

  it('8.3 a writer from before the restart is fenced by a claim after it', async () => {
    const bench = await benches.open();
    const { claims } = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.reopen();
    const successor = await bench.claim(0, 'successor');
    expect(successor.nextOffset).toBe(1);
    await expect(bench.commit(claims[0], 2, { ticks: [trades(1)] })).rejects.toMatchObject({ kind: 'fenced' });
    await bench.commit(successor, 2, { ticks: [trades(1)] });
    expect(await bench.nextOffset()).toBe(2);
  });

  it('8.4 commits go on rising in time and sequence after a restart', async () => {
    const bench = await benches.open();
    const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    await bench.reopen();
    const second = await bench.commit(await bench.claim(), 2, { ticks: [trades(1)] });
    expect(second.committedUs).toBeGreaterThan(first.committedUs);
    const [newest, oldest] = await bench.store.snapshots(TRADES, 10);
    expect(newest.dataSequenceNumber).toBeGreaterThan(oldest.dataSequenceNumber);
    expect(newest.parentSnapshotId).toBe(oldest.snapshotId);
  });
}
