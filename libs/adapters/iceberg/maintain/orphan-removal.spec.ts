import { afterEach, describe, expect, it } from '@jest/globals';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys } from '../test-support/read-table.ts';

describe('the removal of orphans', () => {
  let world: MaintainedLake;
  afterEach(() => world.close());

  const remove = async () => {
    world.lake.clock.advanceMs(7_200_000);
    const olderThanUs = world.lake.clock.nowUs() - 3_600_000_000;
    return world.maintenance.removeOrphans(TRADES, { dryRun: false, olderThanUs });
  };
  const plant = (key: string) => world.lake.objects.putIfAbsent(`market_data/trades/${key}`, new Uint8Array(3));

  it('keeps the metadata files of the log, and removes those of commits that lost their race', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const before = await world.lake.keys('market_data/trades/');
    let raced = false;
    world.lake.catalog.intercept = async (_, apply) => {
      if (!raced) {
        raced = true;
        await world.alter((metadata) => ({ ...metadata, 'last-updated-ms': metadata['last-updated-ms'] + 5 }));
      }
      apply();
    };
    await world.commit();
    const report = await remove();
    expect(report.keys.filter((key) => before.includes(key))).toEqual([]);
    // Manifest list and metadata of the first attempt.
    expect(report.deletedFiles).toBe(2);
    await reachedKeys(world.lake, TRADES);
    expect(await world.sequences()).toHaveLength(9);
  });

  it('removes what other engines left in the location by the same rule', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0);
    await plant('data/timestamp_day=2014-03-10/00000-0-spark.parquet');
    await plant('metadata/00000-stale.metadata.json');
    expect(await remove()).toMatchObject({
      keys: [
        'market_data/trades/data/timestamp_day=2014-03-10/00000-0-spark.parquet',
        'market_data/trades/metadata/00000-stale.metadata.json',
      ],
    });
    await reachedKeys(world.lake, TRADES);
  });

  it('takes a file that the table names under another URI for its own', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0);
    await plant('metadata/20140310_stats.puffin');
    await world.alter((metadata) => ({
      ...metadata,
      statistics: [
        {
          'snapshot-id': metadata['current-snapshot-id']!,
          'statistics-path': 's3a://alias/market_data/trades/metadata/20140310_stats.puffin',
        },
      ],
    }));
    expect(await remove()).toMatchObject({ deletedFiles: 0, youngFiles: 0 });
  });

  it('leaves a table alone that lies within the location of another', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0);
    await plant('nested/metadata/00000-a.metadata.json');
    await plant('nested/data/b.parquet');
    const next = world.lake.objects.uri('market_data/trades/nested/metadata/00000-a.metadata.json');
    world.lake.catalog.applyForeign('other.nested', next);
    expect(await remove()).toMatchObject({ deletedFiles: 0 });
  });

  it('does not touch what is committed between its look at the files and its look at the table', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0);
    const list = world.lake.objects.list.bind(world.lake.objects);
    world.lake.objects.list = async function* (prefix) {
      yield* list(prefix);
      await world.commit();
      await world.compact();
    };
    expect(await remove()).toMatchObject({ deletedFiles: 0 });
    await reachedKeys(world.lake, TRADES);
    expect(await world.sequences()).toHaveLength(6);
  });

  it('stops where the caller says so', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0);
    await plant('data/orphan.parquet');
    world.lake.clock.advanceMs(7_200_000);
    const options = {
      dryRun: false,
      olderThanUs: world.lake.clock.nowUs() - 3_600_000_000,
      signal: AbortSignal.abort(),
    };
    await expect(world.maintenance.removeOrphans(TRADES, options)).rejects.toMatchObject({ kind: 'cancelled' });
    expect(await world.dataFiles()).toContain('market_data/trades/data/orphan.parquet');
  });
});
