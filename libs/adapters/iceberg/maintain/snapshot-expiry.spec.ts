import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { PortError } from '@k2/ports';
import type { SnapshotRef, TableMetadata } from '../format/metadata.ts';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys } from '../test-support/read-table.ts';

const lost = () => new PortError('unknown-outcome', 'the connection was lost while committing');

describe('expiry of snapshots', () => {
  jest.setTimeout(120_000);
  let world: MaintainedLake;
  afterEach(() => world.close());

  const withRefs = (refs: Readonly<Record<string, SnapshotRef>>) =>
    world.alter((metadata) => ({ ...metadata, refs: { ...metadata.refs, ...refs } }));
  const ids = async () => (await world.lake.metadata(TRADES)).snapshots.map((snapshot) => snapshot['snapshot-id']);
  /** Keys under the table's location that its metadata does not lead to. */
  const unreached = async () => {
    const reached = await reachedKeys(world.lake, TRADES);
    return (await world.lake.keys('market_data/trades/')).filter((key) => !reached.has(key));
  };

  it('leaves exactly the files that the retained snapshots need', async () => {
    world = await MaintainedLake.create({ manifestsMax: 3 });
    await world.commitDays(0, 1, 0, 1, 2);
    await world.compact();
    await world.commitDays(0, 1);
    await world.expireAll();
    expect(await unreached()).toEqual([]);
    expect(await world.sequences()).toHaveLength(21);
  });

  it('reads what is retained once, whatever the cache holds, and nothing of it in the next round', async () => {
    world = await MaintainedLake.create({ cacheBytesMax: 1, manifestsMax: 3 });
    const keepAll = { keepNewest: 100, tiers: [] };
    const round = async (keepNewest: number) => {
      world.lake.clock.advanceMs(700_000);
      const reads = jest.spyOn(world.lake.objects, 'get');
      const report = await world.maintenance.expireSnapshots(TRADES, { ...keepAll, keepNewest }, { dryRun: false });
      const keys = reads.mock.calls.map(([key]) => key).filter((key) => key.endsWith('.avro'));
      reads.mockRestore();
      return { report, keys };
    };
    await world.commitDays(0, 1, 2, 3, 4, 5);
    const first = await round(5);
    expect(first.report.expiredSnapshots).toBe(1);
    const before = new Set(await world.lake.keys('market_data/trades/metadata'));
    await world.commit(6);
    const second = await round(5);
    expect(second.report.expiredSnapshots).toBe(1);
    // Of what was there: the manifests of the snapshot that went, whose files may have to go.
    const readAgain = second.keys.filter((key) => first.keys.includes(key) && before.has(key));
    expect(readAgain.length).toBeLessThan(3);
    expect(second.keys.length).toBeLessThan(first.keys.length / 2);
    expect((await round(5)).keys).toEqual([]);
    expect(await unreached()).toEqual([]);
  });

  it('keeps what tags and branches of other engines name, and the own snapshots of a branch', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 0, 0);
    const [first, second, third] = await ids();
    // A branch that went its own way from the first: its head has a parent that never was current.
    await world.alter((metadata) => {
      const [base] = metadata.snapshots;
      const own = (id: bigint, parent: bigint, sequence: number) => ({
        ...base,
        'snapshot-id': id,
        'parent-snapshot-id': parent,
        'sequence-number': sequence,
      });
      return {
        ...metadata,
        'last-sequence-number': 6,
        snapshots: [...metadata.snapshots, own(71n, first, 5), own(72n, 71n, 6)],
      };
    });
    await withRefs({
      audit: { 'snapshot-id': second, type: 'tag' },
      test: { 'snapshot-id': 72n, type: 'branch' },
    });
    await world.compact();
    await world.expireAll();
    const kept = await ids();
    expect(kept).toEqual(expect.arrayContaining([second, 71n, 72n]));
    expect(kept).not.toContain(first);
    expect(kept).not.toContain(third);
    expect(await unreached()).toEqual([]);
    const tagged = { kind: 'snapshot', snapshotId: second } as const;
    expect((await world.store.plan({ table: TRADES, asOf: tagged })).files).toHaveLength(2);
  });

  it('keeps as many of the newest as the main branch asks for', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 0, 0);
    const all = await ids();
    await withRefs({ main: { 'snapshot-id': all[3], type: 'branch', 'min-snapshots-to-keep': 3 } });
    await world.expireAll();
    expect(await ids()).toEqual(all.slice(1));
    // Which the next commit does not forget.
    await world.commit();
    expect((await world.lake.metadata(TRADES)).refs['main']).toMatchObject({ 'min-snapshots-to-keep': 3 });
  });

  it('has the log forget everything before the last one given up, as the table spec wants, and keeps what was current when', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 0);
    const all = await ids();
    await withRefs({ audit: { 'snapshot-id': all[0], type: 'tag' } });
    const before = await world.lake.metadata(TRADES);
    await world.expireAll();
    const { 'snapshot-log': log, snapshots } = await world.lake.metadata(TRADES);
    expect(log).toEqual(before['snapshot-log'].slice(2));
    expect(snapshots.map((snapshot) => snapshot.summary['k2.current-until-ms'])).toEqual([
      String(before['snapshot-log'][1]['timestamp-ms']),
      undefined,
    ]);
    // The parent of the newest is gone: that is as the spec allows it, and every reader has to live with it.
    expect(snapshots[1]['parent-snapshot-id']).toBe(all[1]);
  });

  it('lets go of statistics of snapshots that are given up, and deletes their files', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const all = await ids();
    const { location } = await world.lake.metadata(TRADES);
    const stats = all.map((id) => ({ 'snapshot-id': id, 'statistics-path': `${location}/metadata/${id}.stats` }));
    for (const { 'statistics-path': path } of stats)
      await world.lake.objects.putIfAbsent(world.lake.objects.key(path), new Uint8Array(5));
    await world.alter((metadata) => ({ ...metadata, statistics: stats }));
    await world.expireAll();
    expect((await world.lake.metadata(TRADES)).statistics).toEqual([stats[1]]);
    expect((await world.lake.keys('market_data/trades/metadata')).filter((key) => key.endsWith('.stats'))).toEqual([
      world.lake.objects.key(stats[1]['statistics-path']),
    ]);
  });

  it('keeps the newest snapshot that says how far the log is, where newer ones of other engines do not', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const [, second] = await ids();
    await world.alter((metadata) => {
      const newest = metadata.snapshots.at(-1)!;
      const own = {
        ...newest,
        'snapshot-id': 77n,
        'parent-snapshot-id': second,
        'sequence-number': 3,
        summary: { operation: 'replace' },
      };
      return currentIs({ ...metadata, 'last-sequence-number': 3, snapshots: [...metadata.snapshots, own] }, 77n);
    });
    await world.expireAll();
    expect(await ids()).toEqual([second, 77n]);
  });

  it('finds out that a commit took effect whose answer was lost, and deletes then', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    await world.compact();
    world.lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    expect(await world.expireAll()).toMatchObject({ expiredSnapshots: 2 });
    world.lake.catalog.intercept = null;
    expect(await unreached()).toEqual([]);
  });

  it('deletes nothing where it is unknown whether its commit took effect; orphan removal finds what is left', async () => {
    world = await MaintainedLake.create({ commitAttemptsMax: 2 });
    await world.commitDays(0, 0);
    await world.compact();
    const before = await world.lake.keys('market_data/trades/data');
    const { committed } = world.lake.catalog;
    world.lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    world.lake.catalog.committed = async () => Promise.reject(new PortError('unavailable', 'down'));
    await expect(world.expireAll()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(await world.lake.keys('market_data/trades/data')).toEqual(before);
    world.lake.catalog.intercept = null;
    world.lake.catalog.committed = committed;
    expect(await world.expireAll()).toMatchObject({ expiredSnapshots: 0 });
    world.lake.clock.advanceMs(7_200_000);
    const olderThanUs = world.lake.clock.nowUs() - 3_600_000_000;
    await world.maintenance.removeOrphans(TRADES, { dryRun: false, olderThanUs });
    expect(await unreached()).toEqual([]);
    expect(await world.sequences()).toHaveLength(6);
  });

  it('deletes nothing where a file that tells what is still needed cannot be read', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    await world.compact();
    const before = await world.lake.keys('market_data/trades/data');
    const metadata = await world.lake.metadata(TRADES);
    const needed = world.lake.objects.key(metadata.snapshots.at(-1)!['manifest-list']);
    const get = world.lake.objects.get.bind(world.lake.objects);
    world.lake.objects.get = async (key) => (key === needed ? Promise.reject(new Error('a disk error')) : get(key));
    // Of another process, which has no copy of it in memory.
    const other = world.lake.openMaintenance({ readerGraceMs: 0 });
    world.lake.clock.advanceMs(700_000);
    const expiry = other.expireSnapshots(TRADES, { keepNewest: 1, tiers: [] }, { dryRun: false });
    await expect(expiry).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await world.lake.keys('market_data/trades/data')).toEqual(before);
  });

  it('is not stopped by files that somebody else has deleted already, nor by one that cannot be', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 0);
    await world.compact();
    const metadata = await world.lake.metadata(TRADES);
    await world.lake.objects.delete(world.lake.objects.key(metadata.snapshots[0]['manifest-list']));
    const remove = world.lake.objects.delete.bind(world.lake.objects);
    let refused = 0;
    world.lake.objects.delete = async (key) => {
      if (key.endsWith('.parquet') && refused++ === 0) throw new Error('busy');
      return remove(key);
    };
    const other = world.lake.openMaintenance();
    world.lake.clock.advanceMs(700_000);
    const report = await other.expireSnapshots(TRADES, { keepNewest: 1, tiers: [] }, { dryRun: false });
    expect(report).toMatchObject({ expiredSnapshots: 3 });
    expect((await unreached()).filter((key) => key.endsWith('.parquet'))).toHaveLength(1);
  });

  it('is refused by a table whose files may be those of others', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    await world.alter((metadata) => ({ ...metadata, properties: { ...metadata.properties, 'gc.enabled': 'false' } }));
    await expect(world.expireAll()).rejects.toMatchObject({ kind: 'not-allowed', retryable: false });
    const olderThanUs = world.lake.clock.nowUs() - 3_600_000_000;
    const removal = world.maintenance.removeOrphans(TRADES, { dryRun: false, olderThanUs });
    await expect(removal).rejects.toMatchObject({ kind: 'not-allowed' });
    expect(await world.sequences()).toHaveLength(6);
  });

  it('keeps the log of metadata files within its bound, and the files with it', async () => {
    world = await MaintainedLake.create({ metadataVersionsMax: 3 });
    for (let round = 0; round < 4; round++) {
      await world.commitDays(0, 0);
      await world.expireAll();
    }
    const keys = (await world.lake.keys('market_data/trades/metadata')).filter((key) => key.endsWith('.metadata.json'));
    expect(keys).toHaveLength(4);
    expect(await unreached()).toEqual([]);
  });
});

function currentIs(metadata: TableMetadata, id: bigint): TableMetadata {
  return {
    ...metadata,
    'current-snapshot-id': id,
    refs: { main: { 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [
      ...metadata['snapshot-log'],
      { 'timestamp-ms': metadata['last-updated-ms'] + 1, 'snapshot-id': id },
    ],
  };
}
