import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { SNAPSHOT_RETENTION } from '@k2/domain/lake';
import { US_PER_DAY } from '@k2/domain/market';
import { tradeBatch } from '@k2/testing/builders';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys, readCurrent } from '../test-support/read-table.ts';

const HOUR_MS = 3_600_000;

/** A server left on: commits of a few rows for three weeks, and a round of maintenance now and then. */
describe('three weeks of commits', () => {
  jest.setTimeout(600_000);
  let world: MaintainedLake;
  afterEach(() => world.close());

  const COMMITS = 600;
  const COMMITS_PER_ROUND = 40;
  const COMMIT_INTERVAL_MS = 3_000_000;

  async function round() {
    const { maintenance, lake } = world;
    const nowUs = lake.clock.nowUs();
    await world.compact({ filesMin: 8, closedBeforeUs: nowUs - 6 * HOUR_MS * 1_000 });
    await maintenance.rewriteManifests(TRADES, { dryRun: false });
    await maintenance.expireSnapshots(TRADES, SNAPSHOT_RETENTION, { dryRun: false });
    await maintenance.removeOrphans(TRADES, { dryRun: false, olderThanUs: nowUs - HOUR_MS * 1_000 });
    return sizes();
  }

  async function sizes() {
    const { metadata, manifests } = await readCurrent(world.lake, TRADES);
    const location = world.lake.objects.key((await world.lake.catalog.metadataLocation(TRADES))!);
    return {
      snapshots: metadata.snapshots.length,
      manifests: manifests.length,
      liveFiles: manifests.reduce((sum, { manifest }) => sum + manifest.addedFiles + manifest.existingFiles, 0),
      metadataBytes: (await world.lake.objects.get(location)).length,
      objects: (await world.lake.keys('market_data/trades/')).length,
    };
  }

  it('leave metadata, snapshots and files that do not grow with their number', async () => {
    world = await MaintainedLake.create({ metadataVersionsMax: 10 });
    const after: Awaited<ReturnType<typeof sizes>>[] = [];
    for (let commit = 0; commit < COMMITS; commit++) {
      const startUs = world.lake.clock.nowUs();
      await world.commitRows(tradeBatch({ count: 2, firstSequence: 1 + 2 * commit, startUs }));
      world.lake.clock.advanceMs(COMMIT_INTERVAL_MS);
      if (commit % COMMITS_PER_ROUND === COMMITS_PER_ROUND - 1) after.push(await round());
    }
    const last = after.at(-1)!;
    const days = Math.ceil((COMMITS * COMMIT_INTERVAL_MS) / (US_PER_DAY / 1_000));
    // The newest, an hour each of three days, and one of each other day.
    expect(last.snapshots).toBeLessThanOrEqual(10 + 72 + days);
    expect(last.manifests).toBeLessThanOrEqual(3);
    // Days that are over are a file each, or two where one commit spans midnight.
    expect(last.liveFiles).toBeLessThanOrEqual(2 * days + 14);
    expect(last.metadataBytes).toBeLessThan(last.snapshots * 1_500 + 20_000);
    // Of the second half of the time, everything but the days themselves stays as it is.
    const half = after[Math.floor(after.length / 2)];
    expect(last.snapshots - half.snapshots).toBeLessThanOrEqual(days);
    expect(last.metadataBytes).toBeLessThan(half.metadataBytes + days * 1_500);
    // Nothing is there but what is needed: what the last round could not delete yet was made within the guard.
    const reached = await reachedKeys(world.lake, TRADES);
    const keys = await world.lake.keys('market_data/trades/');
    expect(keys.filter((key) => !reached.has(key)).length).toBeLessThanOrEqual(2);
    expect(await world.sequences()).toEqual(Array.from({ length: 2 * COMMITS }, (_, index) => index + 1));
    expect((await world.store.snapshots(TRADES, 1))[0].progress).toMatchObject([{ nextOffset: COMMITS }]);
  });
});
