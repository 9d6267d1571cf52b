import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { PartitionClaim, TickStore } from '@k2/ports';
import { placed, plannedRows, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { TestClock, TestLake } from '../test-support/lake.ts';

const TRADES = 'market_data.trades';
const QUOTES = 'market_data.quotes';
const HOUR_MS = 3_600_000;

describe('commit times of writers whose clocks differ', () => {
  let lake: TestLake;
  /** Its clock is an hour ahead of the other's. */
  let ahead: TickStore;
  let behind: TickStore;
  let claims: readonly [PartitionClaim, PartitionClaim];

  beforeEach(async () => {
    lake = await TestLake.create();
    const clock = new TestClock();
    clock.advanceMs(HOUR_MS);
    ahead = lake.open({}, clock);
    behind = lake.open();
    await ahead.ensureTables(RECORD_SCHEMAS);
    const partitions = [0, 1].map((partition) => ({ topic: 't', partition, topicId: 'id' }));
    claims = (await ahead.claim('writer', partitions)) as unknown as typeof claims;
  });

  afterEach(() => lake.close());

  const commitTrades = async () => {
    const staged = await ahead.stage(plannedRows({ ticks: [placed(tradeBatch())] }));
    return ahead.commit(staged, { partitions: [{ claim: claims[0], nextOffset: 1 }], state: new Map() });
  };
  const commitQuotes = async () => {
    const staged = await behind.stage(plannedRows({ ticks: [placed(quoteBatch())] }));
    return behind.commit(staged, { partitions: [{ claim: claims[1], nextOffset: 1 }], state: new Map() });
  };

  it('rise in the order of the commits, also of different tables', async () => {
    const trades = await commitTrades();
    const quotes = await commitQuotes();
    expect(quotes.committedUs).toBeGreaterThan(trades.committedUs);
    expect(await lake.catalog.lastCommitUs()).toBe(quotes.committedUs);
  });

  it('leave what a reader has pinned as it is: a commit that was dated before another took effect is dated anew', async () => {
    let pinnedUs = 0;
    let datedUs = 0;
    lake.catalog.intercept = async (change, apply) => {
      lake.catalog.intercept = null;
      datedUs = change.committedUs;
      pinnedUs = (await commitTrades()).committedUs;
      apply();
    };
    const quotes = await commitQuotes();
    expect(datedUs).toBeLessThanOrEqual(pinnedUs);
    expect(quotes.committedUs).toBeGreaterThan(pinnedUs);
    const pinned = { kind: 'time', timeUs: pinnedUs } as const;
    await expect(behind.plan({ table: QUOTES, asOf: pinned })).rejects.toMatchObject({ kind: 'no-snapshot-before' });
    expect(await behind.plan({ table: TRADES, asOf: pinned })).toMatchObject({ committedUs: pinnedUs, filesTotal: 1 });
    const [snapshot] = await behind.snapshots(QUOTES, 1);
    expect(snapshot).toMatchObject({ committedUs: quotes.committedUs, addedRows: 3 });
  });

  it('rise with changes that add no rows: schemas, maintenance, new tables', async () => {
    const { committedUs } = await commitTrades();
    await behind.evolve(QUOTES, [{ kind: 'add', name: 'note', type: 'string' }]);
    const evolvedUs = (await lake.catalog.lastCommitUs())!;
    expect(evolvedUs).toBeGreaterThan(committedUs);
    expect((await lake.metadata(QUOTES))['last-updated-ms'] * 1_000).toBe(evolvedUs);
    const dropped = await lake.openMaintenance().dropBefore(TRADES, { dryRun: false, beforeUs: 4e15 });
    expect(dropped.droppedFiles).toBe(1);
    expect(await lake.catalog.lastCommitUs()).toBeGreaterThan(evolvedUs);
  });
});
