import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseTimeUs, RECORD_SCHEMAS, US_PER_DAY } from '@k2/domain/market';
import { currentSnapshot, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import type { DataFile } from '../format/manifest.ts';
import { TableFiles } from '../table-files.ts';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';

const FIRST_DAY_US = parseTimeUs('2014-03-10');
const day = (n: number) => ({ fromUs: FIRST_DAY_US + n * US_PER_DAY, toUs: FIRST_DAY_US + (n + 1) * US_PER_DAY });
const anywhere = { exchange: null, fromUs: null, toUs: null };

let lake: MaintainedLake;

beforeEach(async () => {
  lake = await MaintainedLake.create();
});

afterEach(() => lake.close());

const alterations = async (snapshotId?: bigint) => {
  const asOf = snapshotId === undefined ? { kind: 'latest' as const } : { kind: 'snapshot' as const, snapshotId };
  return (await lake.store.plan({ table: TRADES, asOf })).alterations;
};
const current = async () => currentSnapshot(await lake.lake.metadata(TRADES))!;
const others = { cause: 'other-engine', exchange: 'ASX', addedRows: 0 };

/** Makes a snapshot as another engine would: without K2's summary keys, of the content of `content`. */
async function otherSnapshot(operation: string, content: Snapshot): Promise<Snapshot> {
  let made: Snapshot | undefined;
  await lake.alter((metadata) => {
    const parent = currentSnapshot(metadata)!;
    made = {
      ...content,
      'snapshot-id': BigInt(metadata['last-sequence-number'] + 1),
      'parent-snapshot-id': parent['snapshot-id'],
      'sequence-number': metadata['last-sequence-number'] + 1,
      'timestamp-ms': metadata['last-updated-ms'] + 1,
      summary: { operation },
    };
    return withCurrent({ ...metadata, 'last-sequence-number': made['sequence-number'] }, made);
  });
  return made!;
}

function withCurrent(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  const isNew = metadata.snapshots.every((one) => one['snapshot-id'] !== id);
  const timestampMs = metadata['last-updated-ms'] + 1;
  return {
    ...metadata,
    'last-updated-ms': timestampMs,
    'current-snapshot-id': id,
    refs: { main: { 'snapshot-id': id, type: 'branch' } },
    snapshots: isNew ? [...metadata.snapshots, snapshot] : metadata.snapshots,
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': timestampMs, 'snapshot-id': id }],
  };
}

/** Content with a file more, which nobody can read and nobody has to. */
async function withFile(metadata: TableMetadata, content: Snapshot, changes: Partial<DataFile>): Promise<Snapshot> {
  const { objects } = lake.lake;
  const random = { next: () => 0.5, uuid: () => `other-${metadata['last-sequence-number']}`, int63: () => 1n };
  const files = new TableFiles({ objects, random, cacheBytesMax: 0 });
  const manifests = await files.manifests(content);
  const [{ file }] = await files.entries(metadata, manifests[0]);
  const ids = { snapshotId: 5n, parentSnapshotId: null, sequenceNumber: metadata['last-sequence-number'] + 1 };
  const added = { ...file, path: `${metadata.location}/data/other.parquet`, ...changes };
  const entry = { status: 'added', snapshotId: 5n, dataSequenceNumber: null, fileSequenceNumber: null } as const;
  const manifest = await files.writeManifestFile(metadata, 0, [{ ...entry, file: added }], ids);
  return { ...content, 'manifest-list': await files.writeManifestList(metadata, ids, [manifest, ...manifests]) };
}

describe('alterations of a table that K2 alone writes', () => {
  it('are none, whatever is committed, compacted and expired', async () => {
    await lake.commitDays(0, 0, 0, 0, 1);
    await lake.compact();
    await lake.expireAll();
    await lake.commit(1);
    expect(await alterations()).toEqual([]);
  });

  it('are what retention dropped, from that commit on and not before it', async () => {
    await lake.commitDays(0, 1, 2);
    const before = await current();
    await lake.maintenance.dropBefore(TRADES, { dryRun: false, beforeUs: day(1).toUs });
    const drop = await current();
    const dropped = {
      cause: 'retention',
      exchange: 'ASX',
      fromUs: day(0).fromUs,
      toUs: day(1).toUs,
      removedRows: 6,
      addedRows: 0,
      snapshotId: drop['snapshot-id'],
      committedUs: drop['timestamp-ms'] * 1_000,
      operation: 'delete',
    };
    expect(await alterations()).toEqual([dropped]);
    expect(await alterations(before['snapshot-id'])).toEqual([]);
    await lake.commit(2);
    await lake.compact();
    await lake.expireAll();
    expect(await alterations()).toEqual([dropped]);
    await lake.maintenance.dropBefore(TRADES, { dryRun: false, beforeUs: day(2).toUs });
    expect(await alterations()).toMatchObject([{ fromUs: day(0).fromUs, toUs: day(2).toUs, removedRows: 12 }]);
  });
});

describe('alterations by another engine', () => {
  it('name the snapshot that removed rows, and the exchange and day they were of', async () => {
    await lake.commit(0);
    const content = await current();
    await lake.commitDays(1, 1);
    const deletion = await otherSnapshot('delete', content);
    expect(await alterations()).toEqual([
      {
        ...others,
        ...day(1),
        removedRows: 6,
        snapshotId: deletion['snapshot-id'],
        committedUs: deletion['timestamp-ms'] * 1_000,
        operation: 'delete',
      },
    ]);
  });

  it('are on the record for good once K2 has committed after them', async () => {
    await lake.commit(0);
    const content = await current();
    await lake.commit(1);
    const deletion = await otherSnapshot('delete', content);
    await lake.commit(2);
    await lake.expireAll();
    expect((await lake.lake.metadata(TRADES)).snapshots).toHaveLength(1);
    expect(await alterations()).toMatchObject([{ ...others, ...day(1), snapshotId: deletion['snapshot-id'] }]);
    expect(await lake.store.snapshots(TRADES, 1)).toMatchObject([{ alterations: [{ ...others, ...day(1) }] }]);
  });

  it('are none where it only rewrote files, and are where a rewrite has other rows', async () => {
    await lake.commitDays(0, 1);
    await otherSnapshot('replace', await current());
    expect(await alterations()).toEqual([]);
    await lake.alter((metadata) => metadata);
    const metadata = await lake.lake.metadata(TRADES);
    await otherSnapshot('replace', await withFile(metadata, await current(), { recordCount: 4 }));
    expect(await alterations()).toMatchObject([{ ...day(1), removedRows: 0, addedRows: 4, operation: 'replace' }]);
  });

  it('are rows that it put in', async () => {
    await lake.commit(0);
    const metadata = await lake.lake.metadata(TRADES);
    await otherSnapshot('append', await withFile(metadata, await current(), { recordCount: 9 }));
    expect(await alterations()).toMatchObject([{ ...others, ...day(0), removedRows: 0, addedRows: 9 }]);
  });

  it('are what a return to an earlier snapshot took out, also after a commit on top of it', async () => {
    await lake.commit(0);
    const earlier = await current();
    await lake.commit(1);
    expect(await alterations()).toEqual([]);
    await lake.alter((metadata) => withCurrent(metadata, earlier));
    const lost = { ...others, ...day(1), removedRows: 3, operation: 'rollback' };
    expect(await alterations()).toMatchObject([lost]);
    await lake.expireAll();
    expect(await alterations()).toMatchObject([lost]);
    await lake.commit(2);
    await lake.expireAll();
    expect(await alterations()).toMatchObject([lost]);
  });

  it('are none any more where the table was put back as it was', async () => {
    await lake.commit(0);
    const earlier = await current();
    await lake.commit(1);
    const newest = await current();
    await lake.alter((metadata) => withCurrent(metadata, earlier));
    await lake.alter((metadata) => withCurrent(metadata, newest));
    expect(await alterations()).toEqual([]);
  });

  it('are of the whole table where what led to it was expired, unless it were rewrites alone', async () => {
    await lake.commit(0);
    const content = await current();
    await lake.commit(1);
    const whole = await current();
    const alone = (one: Snapshot) =>
      lake.alter((metadata) => ({
        ...metadata,
        snapshots: metadata.snapshots.filter((kept) => kept['snapshot-id'] === one['snapshot-id']),
      }));
    await alone(await otherSnapshot('replace', whole));
    expect(await alterations()).toEqual([]);
    await alone(await otherSnapshot('replace', content));
    expect(await alterations()).toMatchObject([{ ...anywhere, cause: 'other-engine', removedRows: 3, addedRows: 0 }]);
    await alone(await otherSnapshot('overwrite', whole));
    expect(await alterations()).toMatchObject([{ ...anywhere, removedRows: 0, addedRows: 0, operation: 'overwrite' }]);
  });

  it('are everything where the table has no snapshot any more', async () => {
    await lake.commit(0);
    await lake.alter(({ 'current-snapshot-id': _gone, ...metadata }) => ({ ...metadata, refs: {} }));
    expect(await alterations()).toMatchObject([{ cause: 'other-engine', ...day(0), removedRows: 3 }]);
  });

  it('are on the record where the table was dropped, and K2 made it anew', async () => {
    await lake.commit(0);
    lake.lake.catalog.forget(TRADES);
    await lake.store.ensureTables(RECORD_SCHEMAS);
    const dropped = [{ ...anywhere, cause: 'other-engine', snapshotId: null, operation: 'drop' }];
    expect(await alterations()).toMatchObject(dropped);
    await lake.commit(1);
    expect(await alterations()).toMatchObject(dropped);
  });
});
