import { expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import { placed, quoteBatch, tickRows, tradeBatch } from '../../builders/index.ts';
import { expectRows, QUOTES, TOPIC, TOPIC_ID, TRADES, type TickStoreBench, type TickStoreBenches } from './bench.ts';

const trades = (offset: number) => placed(tradeBatch({ firstSequence: 1 + offset * 100 }), offset);

/** What the store says about its snapshots and tables. */
export function snapshotCases(benches: TickStoreBenches): void {
  it('3.1 a table without rows has no snapshot and an empty plan', async () => {
    const bench = await benches.open();
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(plan).toMatchObject({ table: TRADES, snapshotId: null, committedUs: null, files: [], filesTotal: 0 });
    expect(plan.fields.map((field) => field.name)).toContain('price');
    expect(await bench.rowsOf(plan)).toEqual([]);
    expect(await bench.store.snapshots(TRADES, 10)).toEqual([]);
  });

  it('3.2 snapshots come newest first, with totals, what each added, and their parents', async () => {
    const bench = await benches.open();
    const [first, second, third] = await commitThree(bench);
    const snapshots = await bench.store.snapshots(TRADES, 10);
    expect(snapshots).toMatchObject([
      { table: TRADES, snapshotId: third.snapshots.get(TRADES), addedRows: 3, totalRows: 9, isCurrent: true },
      { table: TRADES, snapshotId: second.snapshots.get(TRADES), addedRows: 3, totalRows: 6, isCurrent: false },
      { table: TRADES, snapshotId: first.snapshots.get(TRADES), addedRows: 3, totalRows: 3, isCurrent: false },
    ]);
    expect(snapshots.map((snapshot) => snapshot.parentSnapshotId)).toEqual([
      snapshots[1].snapshotId,
      snapshots[2].snapshotId,
      null,
    ]);
    const [newest, , oldest] = snapshots;
    expect(newest.dataSequenceNumber).toBeGreaterThan(oldest.dataSequenceNumber);
    expect(newest.totalBytes).toBeGreaterThan(oldest.totalBytes);
    expect(newest.totalFiles).toBeGreaterThanOrEqual(oldest.totalFiles);
    expect(newest.operation).toBe('append');
    expect(await bench.store.snapshots(TRADES, 2)).toEqual(snapshots.slice(0, 2));
  });

  it('3.3 committedUs rises from commit to commit, also of different tables', async () => {
    const bench = await benches.open();
    let claim = await bench.claim();
    const times: number[] = [];
    for (let offset = 0; offset < 6; offset++) {
      const batch = offset % 2 === 0 ? tradeBatch() : quoteBatch();
      const receipt = await bench.commit(claim, offset + 1, { ticks: [placed(batch, offset)] });
      times.push(receipt.committedUs);
      claim = receipt.claims[0];
    }
    expect(new Set(times).size).toBe(6);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('3.4 a snapshot says the offsets that it holds, of every partition, also of other writers', async () => {
    const bench = await benches.open();
    const progress = (partition: number, nextOffset: number) => ({
      topic: TOPIC,
      partition,
      topicId: TOPIC_ID,
      nextOffset,
    });
    await bench.commit(await bench.claim(0), 10, { ticks: [trades(0)] });
    await bench.commit(await bench.claim(1, 'other'), 5, { ticks: [trades(1)] });
    const [second, first] = await bench.store.snapshots(TRADES, 10);
    expect(first.progress).toContainEqual(progress(0, 10));
    expect(first.progress.filter((entry) => entry.partition === 1 && entry.nextOffset > 0)).toEqual([]);
    expect(second.progress).toContainEqual(progress(0, 10));
    expect(second.progress).toContainEqual(progress(1, 5));
  });

  it('3.5 stats count the rows, files, bytes and snapshots of every table', async () => {
    const bench = await benches.open();
    const receipts = await commitThree(bench);
    const stats = new Map((await bench.store.stats()).map((entry) => [entry.table, entry]));
    expect([...stats.keys()].sort()).toEqual(RECORD_SCHEMAS.map((schema) => schema.table).sort());
    const [newest] = await bench.store.snapshots(TRADES, 1);
    const of = stats.get(TRADES)!;
    expect(of).toMatchObject({
      snapshotId: receipts[2].snapshots.get(TRADES),
      committedUs: receipts[2].committedUs,
      rowCount: 9,
      snapshotCount: 3,
      fileCount: newest.totalFiles,
      sizeBytes: newest.totalBytes,
    });
    const empty = { snapshotId: null, committedUs: null, rowCount: 0, fileCount: 0, sizeBytes: 0, snapshotCount: 0 };
    expect(stats.get(QUOTES)).toEqual({ table: QUOTES, ...empty });
  });

  it('3.6 a plan names the rows and bytes of its files', async () => {
    const bench = await benches.open();
    await commitThree(bench);
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(plan.files.reduce((sum, file) => sum + file.rowCount, 0)).toBe(9);
    expect(plan.files.every((file) => file.sizeBytes > 0)).toBe(true);
    expect(new Set(plan.files.map((file) => file.key)).size).toBe(plan.files.length);
    expect(plan.filesTotal).toBe(plan.files.length);
  });
}

/** Tables as of earlier. */
export function timeTravelCases(benches: TickStoreBenches): void {
  it('4.1 a snapshot keeps its rows while later commits add theirs', async () => {
    const bench = await benches.open();
    const receipts = await commitThree(bench);
    for (const [index, receipt] of receipts.entries()) {
      const asOf = { kind: 'snapshot', snapshotId: receipt.snapshots.get(TRADES)! } as const;
      const plan = await bench.store.plan({ table: TRADES, asOf });
      expect(plan).toMatchObject({ snapshotId: asOf.snapshotId, committedUs: receipt.committedUs });
      const expected = [0, 1, 2].slice(0, index + 1).flatMap((offset) => tickRows(trades(offset)));
      expectRows(await bench.rowsOf(plan), expected);
    }
  });

  it('4.2 a plan made before a commit does not see its rows', async () => {
    const bench = await benches.open();
    const { claims } = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    await bench.commit(claims[0], 2, { ticks: [trades(1)] });
    expectRows(await bench.rowsOf(plan), tickRows(trades(0)));
  });

  it('4.3 as of a time is the newest snapshot committed at or before it, to the µs', async () => {
    const bench = await benches.open();
    const [first, second, third] = await commitThree(bench);
    const snapshotAt = async (timeUs: number) =>
      (await bench.store.plan({ table: TRADES, asOf: { kind: 'time', timeUs } })).snapshotId;
    expect(await snapshotAt(first.committedUs)).toBe(first.snapshots.get(TRADES));
    expect(await snapshotAt(second.committedUs - 1)).toBe(first.snapshots.get(TRADES));
    expect(await snapshotAt(second.committedUs)).toBe(second.snapshots.get(TRADES));
    expect(await snapshotAt(third.committedUs - 1)).toBe(second.snapshots.get(TRADES));
    expect(await snapshotAt(third.committedUs)).toBe(third.snapshots.get(TRADES));
    expect(await snapshotAt(third.committedUs + 86_400_000_000)).toBe(third.snapshots.get(TRADES));
  });

  it('4.4 before the first snapshot there is nothing to plan', async () => {
    const bench = await benches.open();
    const [first] = await commitThree(bench);
    const before = { kind: 'no-snapshot-before' };
    const asOf = { kind: 'time', timeUs: first.committedUs - 1 } as const;
    await expect(bench.store.plan({ table: TRADES, asOf })).rejects.toMatchObject(before);
    const now = { kind: 'time', timeUs: first.committedUs } as const;
    await expect(bench.store.plan({ table: QUOTES, asOf: now })).rejects.toMatchObject(before);
  });

  it('4.5 a snapshot that does not exist, or belongs to another table, is unknown', async () => {
    const bench = await benches.open();
    const [first] = await commitThree(bench);
    const snapshotId = first.snapshots.get(TRADES)!;
    const unknown = { kind: 'unknown-snapshot' };
    // Beyond 2^53: an id that went through a JS number would be taken for its neighbour.
    const neighbour = { kind: 'snapshot', snapshotId: snapshotId ^ 1n } as const;
    await expect(bench.store.plan({ table: TRADES, asOf: neighbour })).rejects.toMatchObject(unknown);
    const elsewhere = { kind: 'snapshot', snapshotId } as const;
    await expect(bench.store.plan({ table: QUOTES, asOf: elsewhere })).rejects.toMatchObject(unknown);
  });
}

async function commitThree(bench: TickStoreBench) {
  const first = await bench.commit(await bench.claim(), 1, { ticks: [trades(0)] });
  const second = await bench.commit(first.claims[0], 2, { ticks: [trades(1)] });
  const third = await bench.commit(second.claims[0], 3, { ticks: [trades(2)] });
  return [first, second, third] as const;
}
