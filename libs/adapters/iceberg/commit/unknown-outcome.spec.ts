import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import { PortError, type PartitionClaim, type TickStore } from '@k2/ports';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { TestLake } from '../test-support/lake.ts';
import { readRows } from '../test-support/read-rows.ts';

const TRADES = 'market_data.trades';
const lost = () => new PortError('unknown-outcome', 'the connection was lost while committing');
const down = () => new PortError('unavailable', 'the catalog is down', {}, { retryable: true });

describe('a commit whose outcome is unknown', () => {
  let lake: TestLake;
  let store: TickStore;
  let claim: PartitionClaim;

  beforeEach(async () => {
    lake = await TestLake.create({ commitAttemptsMax: 3 });
    store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    [claim] = (await store.claim('writer', [{ topic: 't', partition: 0, topicId: 'id' }])) as [PartitionClaim];
  });

  afterEach(() => lake.close());

  const stage = () => store.stage(plannedRows({ ticks: [placed(tradeBatch())] }));
  const everything = () => ({
    partitions: [{ claim, nextOffset: 1 }],
    state: new Map([['k', { value: 'v', owner: { topic: 't', partition: 0 }, was: 'absent' as const }]]),
  });
  const rowsNow = async () => readRows(await store.plan({ table: TRADES, asOf: { kind: 'latest' } }), lake.objects);

  it('took effect: it is found out, and nothing is added twice', async () => {
    lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    const applied = lake.catalog.applied;
    const receipt = await store.commit(await stage(), everything());
    expect(lake.catalog.applied).toBe(applied + 1);
    expect(receipt).toMatchObject({ rowCount: 3, claims: [{ nextOffset: 1 }] });
    expect(await rowsNow()).toHaveLength(3);
    const [snapshot] = await store.snapshots(TRADES, 10);
    expect(snapshot).toMatchObject({ snapshotId: receipt.snapshots.get(TRADES), committedUs: receipt.committedUs });
  });

  it('did not take effect: it is tried again', async () => {
    let calls = 0;
    lake.catalog.intercept = (_, apply) => {
      if (++calls === 1) throw lost();
      apply();
    };
    await store.commit(await stage(), everything());
    expect(await rowsNow()).toHaveLength(3);
    expect(await store.snapshots(TRADES, 10)).toHaveLength(1);
  });

  it('takes effect late, after a second attempt was made: the refusal of the second is not believed', async () => {
    let late = () => {};
    let calls = 0;
    lake.catalog.intercept = (_, apply) => {
      if (++calls === 1) {
        late = apply;
        throw lost();
      }
      late();
      apply();
    };
    const receipt = await store.commit(await stage(), everything());
    expect(receipt.claims).toEqual([{ ...claim, nextOffset: 1 }]);
    expect(await rowsNow()).toHaveLength(3);
    expect(await store.snapshots(TRADES, 10)).toHaveLength(1);
  });

  it('commit.stopped-while-away: nothing is tried or asked again once the caller stops', async () => {
    const stop = new AbortController();
    let asked = 0;
    lake.catalog.committed = async () => {
      asked++;
      throw down();
    };
    let applied = 0;
    lake.catalog.intercept = () => {
      applied++;
      stop.abort();
      throw lost();
    };
    const staged = await stage();
    await expect(store.commit(staged, everything(), stop.signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect([applied, asked]).toEqual([1, 1]);
  });

  it('is still unknown because the catalog is gone: the rows are kept, and the same rows can be committed later', async () => {
    const committed = lake.catalog.committed.bind(lake.catalog);
    lake.catalog.committed = async () => Promise.reject(down());
    lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    const staged = await stage();
    await expect(store.commit(staged, everything())).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    // Giving the rows up now would delete files that the table lists.
    await store.discard(staged);
    expect(await rowsNow()).toHaveLength(3);

    lake.catalog.committed = committed;
    lake.catalog.intercept = null;
    const receipt = await store.commit(staged, everything());
    expect(receipt.rowCount).toBe(3);
    expect(await rowsNow()).toHaveLength(3);
    expect(await store.snapshots(TRADES, 10)).toHaveLength(1);
  });

  it('never ends: after as many attempts as allowed the caller is told, and no file is gone', async () => {
    lake.catalog.intercept = () => {
      throw lost();
    };
    const staged = await stage();
    const before = await lake.keys('market_data/trades/data');
    await expect(store.commit(staged, everything())).rejects.toMatchObject({
      kind: 'unavailable',
      context: { attempts: 3 },
    });
    await store.discard(staged);
    expect(await lake.keys('market_data/trades/data')).toEqual(before);
    expect(await rowsNow()).toEqual([]);
  });
});
