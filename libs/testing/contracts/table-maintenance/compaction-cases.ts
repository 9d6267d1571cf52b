import { expect, it } from '@jest/globals';
import { US_PER_DAY } from '@k2/domain/market';
import fc from 'fast-check';
import {
  arbitraryTradeBatch,
  FAR_OFFSETS,
  gapRecord,
  gapRow,
  placed,
  quoteBatch,
  series,
  tickRows,
  tradeBatch,
} from '../../builders/index.ts';
import { arbitraryFilter, matches } from '../tick-store/pruning-cases.ts';
import { expectRows, TRADES } from '../tick-store/bench.ts';
import { trades, tradeRows, type MaintenanceBenches } from './bench.ts';

const GAPS = 'audit.sequence_gaps';

/** Files are merged; rows stay what they are, now and at every earlier instant. */
export function compactionCases(benches: MaintenanceBenches): void {
  it('1.1 the files of a finished partition become one, with the same rows', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 5);
    const [before] = await bench.store.snapshots(TRADES, 1);
    const report = await bench.compact();
    expect(report).toMatchObject({
      groups: 1,
      abandonedGroups: 0,
      filesBefore: 5,
      filesAfter: 1,
      rows: 15,
      isDone: true,
    });
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4));
    const [after] = await bench.store.snapshots(TRADES, 1);
    expect(after).toMatchObject({
      parentSnapshotId: before.snapshotId,
      operation: 'replace',
      totalRows: 15,
      totalFiles: 1,
      totalBytes: report.bytesAfter,
      isCurrent: true,
    });
    expect(report.bytesBefore).toBe(before.totalBytes);
    expect((await bench.store.stats()).find(({ table }) => table === TRADES)).toMatchObject({
      rowCount: 15,
      fileCount: 1,
    });
  });

  it('1.1a positions in the log beyond 2^53 stay exact', async () => {
    const bench = await benches.open();
    const ticks = FAR_OFFSETS.map((offset, at) => placed(tradeBatch({ firstSequence: 1 + 3 * at }), offset));
    const expected = ticks.flatMap(tickRows);
    await bench.commitAll(ticks.map((of) => ({ ticks: [of] })));
    expect(await bench.compact()).toMatchObject({ filesBefore: 3, filesAfter: 1 });
    expectRows(await bench.rows(TRADES), expected);
  });

  it('1.2 files of different days and exchanges are not mixed, and single ones are left alone', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 2);
    await bench.commitTrades(2, 4, 1);
    const elsewhere = placed(tradeBatch({ series: { exchange: 'BINANCE' }, firstSequence: 500 }), 4);
    await bench.commitAll([{ ticks: [elsewhere] }]);
    expect(await bench.compact()).toMatchObject({ groups: 2, filesBefore: 4, filesAfter: 2, rows: 12 });
    const { files } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' }, exchange: 'BINANCE' });
    expect(files).toHaveLength(1);
    expect((await bench.rows(TRADES)).length).toBe(15);
  });

  it('1.3 a partition that is being written to waits for enough files', async () => {
    const bench = await benches.open();
    const open = { closedBeforeUs: 0 };
    await bench.commitTrades(0, 3);
    expect(await bench.compact(open)).toMatchObject({ groups: 0, filesBefore: 0, isDone: true });
    await bench.commitTrades(3, 4);
    expect(await bench.compact(open)).toMatchObject({ groups: 1, filesBefore: 4, filesAfter: 1 });
    await bench.expectTrades(tradeRows(0, 1, 2, 3));
  });

  it('1.4 a dry run changes nothing and says what the real one does, which a second one finds done', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 4);
    await bench.commitTrades(4, 7, 1);
    const before = await bench.state();
    const { bytesAfter: _, ...expected } = await bench.compact({ dryRun: true });
    expect(await bench.state()).toEqual(before);
    const real = await bench.compact();
    expect(real).toMatchObject({ ...expected, dryRun: false });
    const after = await bench.state();
    expect(await bench.compact()).toMatchObject({ groups: 0, filesBefore: 0, rows: 0, bytesAfter: 0, isDone: true });
    expect(await bench.state()).toEqual(after);
  });

  it('1.5 offsets are carried forward, also those that commits to other tables moved', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 2);
    await bench.commitAll([{ ticks: [placed(quoteBatch(), 2)] }]);
    await bench.commit(await bench.claim(1), 7, { ticks: [trades(9)] });
    const [{ progress }] = await bench.store.snapshots(TRADES, 1);
    expect(progress.map((entry) => entry.nextOffset).sort()).toEqual([3, 7]);
    await bench.compact();
    const [after] = await bench.store.snapshots(TRADES, 1);
    expect(after.operation).toBe('replace');
    expect(after.progress).toEqual(progress);
    expect(await bench.nextOffset(0)).toBe(3);
  });

  it('1.6 every earlier snapshot and time gives what it gave', async () => {
    const bench = await benches.open();
    const receipts = await bench.commitTrades(0, 4);
    await bench.compact();
    for (const [index, { snapshots, committedUs }] of receipts.entries()) {
      const expected = tradeRows(...Array.from({ length: index + 1 }, (_, offset) => offset));
      const snapshotId = snapshots.get(TRADES)!;
      expectRows(await bench.rows(TRADES, { asOf: { kind: 'snapshot', snapshotId } }), expected);
      expectRows(await bench.rows(TRADES, { asOf: { kind: 'time', timeUs: committedUs } }), expected);
    }
  });

  it('1.7 a plan made before reads the files it names', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 3);
    const plan = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' } });
    await bench.compact();
    expectRows(await bench.rowsOf(plan), tradeRows(0, 1, 2));
  });

  it('1.8 rows written under earlier schemas keep their values under the names of now', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 1);
    await bench.store.evolve(TRADES, [
      { kind: 'add', name: 'lot', type: 'int' },
      { kind: 'add', name: 'tags', type: 'string-list' },
    ]);
    await bench.commitTrades(1, 2);
    await bench.store.evolve(TRADES, [
      { kind: 'rename', name: 'price', to: 'trade_price' },
      { kind: 'widen', name: 'lot', to: 'long' },
    ]);
    await bench.commitTrades(2, 3);
    const before = await bench.rows(TRADES);
    expect(await bench.compact()).toMatchObject({ filesBefore: 3, filesAfter: 1 });
    expectRows(await bench.rows(TRADES), before);
    const expected = tradeRows(0, 1, 2).map(({ price, ...row }) => ({
      ...row,
      trade_price: price,
      lot: null,
      tags: null,
    }));
    await bench.expectTrades(expected);
  });

  it('1.9 any rows come back as they were, and every filter finds in merged files what it finds in all rows', async () => {
    const batches = fc.array(arbitraryTradeBatch(12), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(batches, fc.array(arbitraryFilter(), { minLength: 10, maxLength: 10 }), async (all, filters) => {
        const bench = await benches.open();
        const times = all.flatMap((batch) => [...batch.eventTimeUs]);
        const rows = all.flatMap((batch, offset) => tickRows(placed(batch, offset)));
        await bench.commitAll(all.map((batch, offset) => ({ ticks: [placed(structuredClone(batch), offset)] })));
        await bench.compact();
        await bench.expectTrades(rows);
        for (const filter of filters.map((toFilter) => toFilter(times))) {
          expectRows((await bench.rows(TRADES, filter)).filter(matches(filter)), rows.filter(matches(filter)));
        }
        await benches.close();
      }),
      { numRuns: 6 },
    );
  });

  it('1.10 merged files are pruned by symbol, where they are ranges of symbols', async () => {
    const bench = await benches.open();
    const symbols = ['AAA', 'BBB', 'CCC', 'DDD'];
    const mixed = (offset: number) => {
      const rows = Array.from({ length: 2_000 }, (_, row) => ({ series: series({ symbol: symbols[row % 4] }) }));
      return placed(tradeBatch({ rows, firstSequence: 1 + offset * 10_000 }), offset);
    };
    await bench.commitAll(Array.from({ length: 8 }, (_, offset) => ({ ticks: [mixed(offset)] })));
    const [{ totalBytes }] = await bench.store.snapshots(TRADES, 1);
    const { filesAfter } = await bench.compact({ fileBytesTarget: Math.ceil(totalBytes / 3) });
    expect(filesAfter).toBeGreaterThan(1);
    const { files, filesTotal } = await bench.store.plan({ table: TRADES, asOf: { kind: 'latest' }, symbols: ['AAA'] });
    expect(filesTotal).toBe(filesAfter);
    expect(files.length).toBeLessThan(filesTotal);
    const found = await bench.rows(TRADES, { symbols: ['AAA'] });
    expect(found.filter((row) => row['symbol'] === 'AAA')).toHaveLength(4_000);
    expect((await bench.rows(TRADES)).length).toBe(16_000);
  });

  it('1.11 a run reads no more than it may and says that it is not done; the next ones go on', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 2);
    await bench.commitTrades(2, 4, 1);
    const { bytesBefore } = await bench.compact({ dryRun: true });
    const bytesMax = bytesBefore - 1;
    expect(await bench.compact({ bytesMax })).toMatchObject({ groups: 1, isDone: false });
    expect(await bench.compact({ bytesMax })).toMatchObject({ groups: 1, isDone: true });
    expect((await bench.rows(TRADES)).length).toBe(12);
  });

  it('1.12 audit tables are merged too', async () => {
    const bench = await benches.open();
    const gaps = Array.from({ length: 4 }, (_, index) =>
      gapRecord({ sequenceFrom: 10 * index, sequenceTo: 10 * index + 1 }),
    );
    await bench.commitAll(gaps.map((gap) => ({ gaps: [gap] })));
    expect(await bench.compact({}, GAPS)).toMatchObject({ filesBefore: 4, filesAfter: 1 });
    expectRows(await bench.rows(GAPS), gaps.map(gapRow));
  });

  it('1.13 cancelled, it says so and has changed nothing by halves; run again it finishes', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 3);
    const before = await bench.state();
    const cancelled = { kind: 'cancelled', retryable: false };
    await expect(bench.compact({ signal: AbortSignal.abort() })).rejects.toMatchObject(cancelled);
    const controller = new AbortController();
    const running = bench.compact({ signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject(cancelled);
    expect(await bench.state()).toEqual(before);
    expect(await bench.compact()).toMatchObject({ filesBefore: 3, filesAfter: 1 });
    await bench.expectTrades(tradeRows(0, 1, 2));
  });

  it('1.14 appends go on as before, and their files are merged in turn', async () => {
    const bench = await benches.open();
    for (let round = 0; round < 3; round++) {
      await bench.commitTrades(3 * round, 3 * round + 3);
      await bench.compact();
    }
    await bench.expectTrades(tradeRows(0, 1, 2, 3, 4, 5, 6, 7, 8));
    expect((await bench.state()).files).toHaveLength(1);
    expect(await bench.nextOffset()).toBe(9);
  });

  it('1.15 rows that come late for a finished partition wait until it is quiet again', async () => {
    const bench = await benches.open();
    await bench.commitTrades(0, 2);
    const beforeUs = bench.world.clock.nowUs() - 1;
    expect(await bench.compact({ closedBeforeUs: beforeUs })).toMatchObject({ groups: 0 });
    bench.world.advanceMs(US_PER_DAY / 1_000);
    expect(await bench.compact({ closedBeforeUs: bench.world.clock.nowUs() })).toMatchObject({ groups: 1 });
  });
}
