import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { inherited } from '../format/manifest.ts';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys, readCurrent } from '../test-support/read-table.ts';

describe('the rewriting of manifests', () => {
  jest.setTimeout(120_000);
  let world: MaintainedLake;
  afterEach(() => world.close());

  const rewrite = (by = world.maintenance) => by.rewriteManifests(TRADES, { dryRun: false });
  const sequenceNumbers = async () => {
    const { manifests } = await readCurrent(world.lake, TRADES);
    const live = manifests.flatMap(({ manifest, entries }) => entries.map((entry) => inherited(entry, manifest)));
    return new Map(
      live.map(({ file, ...entry }) => [
        file.path,
        [entry.snapshotId, entry.dataSequenceNumber, entry.fileSequenceNumber],
      ]),
    );
  };

  it('clusters the same files by day; snapshot ids and sequence numbers stay what they were', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 1, 2, 3, 0, 1, 2, 3);
    const before = await sequenceNumbers();
    const { manifests: old } = await readCurrent(world.lake, TRADES);
    const sizeBytes = old.reduce((sum, { manifest }) => sum + manifest.lengthBytes, 0);
    const maintenance = world.lake.openMaintenance({ manifestBytesTarget: Math.ceil(sizeBytes / 2) });
    expect(await rewrite(maintenance)).toMatchObject({ manifestsBefore: 8, manifestsAfter: 2 });
    expect(await sequenceNumbers()).toEqual(before);
    const { manifests, snapshot } = await readCurrent(world.lake, TRADES);
    const days = manifests.map(({ entries }) => [...new Set(entries.map(({ file }) => file.partition[0]))]);
    expect(days.map((each) => each.length)).toEqual([2, 2]);
    expect(new Set(days.flat()).size).toBe(4);
    expect(manifests.flatMap(({ entries }) => entries.map(({ status }) => status))).toEqual(Array(8).fill('existing'));
    for (const { manifest, entries } of manifests) {
      expect(manifest).toMatchObject({ addedFiles: 0, existingFiles: entries.length, deletedFiles: 0 });
      expect(manifest.minSequenceNumber).toBe(
        Math.min(...entries.map(({ dataSequenceNumber }) => dataSequenceNumber!)),
      );
    }
    expect(snapshot.summary).toMatchObject({
      operation: 'replace',
      'manifests-created': '2',
      'manifests-replaced': '8',
      'manifests-kept': '0',
      'entries-processed': '8',
      'total-data-files': '8',
      'total-records': '24',
    });
    await reachedKeys(world.lake, TRADES);
  });

  it('leaves few manifests alone', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 1);
    expect(await rewrite()).toMatchObject({ manifestsBefore: 2, manifestsAfter: 2 });
    expect((await world.store.snapshots(TRADES, 10)).map(({ operation }) => operation)).toEqual(['append', 'append']);
  });

  it('keeps what is appended while it is at work, and starts over where another writer merged manifests', async () => {
    world = await MaintainedLake.create({ manifestsMax: 6 });
    await world.commitDays(0, 1, 2, 3, 4);
    let races = 2;
    world.lake.catalog.intercept = async (change, apply) => {
      // The second of them has more than six manifests before it, and merges them.
      if (change.progress.length === 0 && races-- > 0) await world.commit(5);
      apply();
    };
    await rewrite();
    expect(await world.sequences()).toHaveLength(21);
    expect((await world.store.snapshots(TRADES, 1))[0]).toMatchObject({ totalFiles: 7, totalRows: 21 });
    await reachedKeys(world.lake, TRADES);
  });

  it('two at once come out as one', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 1, 2, 3);
    await Promise.all([rewrite(), rewrite(world.lake.openMaintenance())]);
    expect(await rewrite()).toMatchObject({ manifestsBefore: 1, manifestsAfter: 1 });
    expect(await world.sequences()).toHaveLength(12);
  });
});
