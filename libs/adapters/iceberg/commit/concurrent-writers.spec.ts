import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import { PortError, type PartitionClaim, type StagedRows, type TickStore } from '@k2/ports';
import { placed, plannedRows, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { TestLake } from '../test-support/lake.ts';
import { readRows } from '../test-support/read-rows.ts';

const TRADES = 'market_data.trades';

describe('writers of one lake', () => {
  let lake: TestLake;
  let first: TickStore;
  let second: TickStore;

  beforeEach(async () => {
    lake = await TestLake.create({ commitAttemptsMax: 3 });
    first = lake.open();
    second = lake.open();
    await first.ensureTables(RECORD_SCHEMAS);
  });

  afterEach(() => lake.close());

  const claimed = async (store: TickStore, partition: number) =>
    ((await store.claim('writer', [{ topic: 't', partition, topicId: 'id' }])) as [PartitionClaim])[0];
  const trades = (firstSequence: number) => plannedRows({ ticks: [placed(tradeBatch({ firstSequence }))] });
  const commit = (store: TickStore, staged: StagedRows, claim: PartitionClaim) =>
    store.commit(staged, { partitions: [{ claim, nextOffset: claim.nextOffset + 1 }], state: new Map() });
  const sequences = async (store: TickStore) => {
    const rows = await readRows(await store.plan({ table: TRADES, asOf: { kind: 'latest' } }), lake.objects);
    return rows.map((row) => row['source_sequence'] as number).sort((a, b) => a - b);
  };

  it('a commit that lost the race is re-based, and both appends survive', async () => {
    const [claimA, claimB] = [await claimed(first, 0), await claimed(second, 1)];
    const stagedA = await first.stage(trades(1));
    const stagedB = await second.stage(trades(101));
    let raced = false;
    lake.catalog.intercept = async (_, apply) => {
      // The second writer commits between the first one's reading of the table and its writing.
      if (!raced) {
        raced = true;
        await commit(second, stagedB, claimB);
      }
      apply();
    };
    await commit(first, stagedA, claimA);
    expect(await sequences(first)).toEqual([1, 2, 3, 101, 102, 103]);
    const [newest, oldest] = await second.snapshots(TRADES, 10);
    expect(newest).toMatchObject({ parentSnapshotId: oldest!.snapshotId, totalRows: 6, addedRows: 3 });
    expect(newest!.dataSequenceNumber).toBe(oldest!.dataSequenceNumber + 1);
    // What the table holds is what its snapshots say, for both partitions.
    expect(newest!.progress.map(({ partition, nextOffset }) => [partition, nextOffset]).sort()).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('a stale commit in several tables is re-based in all of them, though one only has moved', async () => {
    const [claimA, claimB] = [await claimed(first, 0), await claimed(second, 1)];
    const both = await first.stage(plannedRows({ ticks: [placed(tradeBatch()), placed(quoteBatch(), 1)] }));
    const quotes = await second.stage(plannedRows({ ticks: [placed(quoteBatch({ firstSequence: 50 }), 1)] }));
    let raced = false;
    lake.catalog.intercept = async (_, apply) => {
      if (!raced) {
        raced = true;
        await commit(second, quotes, claimB);
      }
      apply();
    };
    const { committedUs } = await commit(first, both, claimA);
    const filled = (await first.stats()).filter(({ rowCount }) => rowCount > 0);
    expect(filled.map((stats) => [stats.table, stats.rowCount, stats.committedUs])).toEqual([
      [TRADES, 3, committedUs],
      ['market_data.quotes', 6, committedUs],
    ]);
  });

  it('a writer that loses every race is told so, and may commit the same rows again', async () => {
    const claim = await claimed(first, 0);
    const staged = await first.stage(trades(1));
    lake.catalog.intercept = () => {
      throw new PortError('commit-conflict', 'moved');
    };
    await expect(commit(first, staged, claim)).rejects.toMatchObject({
      kind: 'commit-conflict',
      retryable: true,
      context: { attempts: 3 },
    });
    lake.catalog.intercept = null;
    await commit(first, staged, claim);
    expect(await sequences(first)).toEqual([1, 2, 3]);
  });

  it('a zombie whose partition was taken over is fenced, and what it staged stays invisible', async () => {
    const zombie = await claimed(first, 0);
    const staged = await first.stage(trades(1));
    const successor = await claimed(second, 0);
    await commit(second, await second.stage(trades(101)), successor);
    await expect(commit(first, staged, zombie)).rejects.toMatchObject({ kind: 'fenced' });
    expect(await sequences(second)).toEqual([101, 102, 103]);
    expect((await second.progress())[0]).toMatchObject({ nextOffset: 1 });
  });

  it('a schema changed by another process is the base of the next commit', async () => {
    const claim = await claimed(first, 0);
    const staged = await first.stage(trades(1));
    await second.evolve(TRADES, [{ kind: 'add', name: 'note', type: 'string' }]);
    await commit(first, staged, claim);
    const { fields } = await first.plan({ table: TRADES, asOf: { kind: 'latest' } });
    expect(fields.map((field) => field.name)).toContain('note');
    expect(await sequences(second)).toEqual([1, 2, 3]);
  });
});
