import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { PortError } from '@k2/ports';
import { series, tradeBatch } from '@k2/testing/builders';
import { inherited } from '../format/manifest.ts';
import { deserializeValue } from '../format/single-value.ts';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys, readCurrent } from '../test-support/read-table.ts';

const lost = () => new PortError('unknown-outcome', 'the connection was lost while committing');

describe('compaction', () => {
  jest.setTimeout(120_000);
  let world: MaintainedLake;
  afterEach(() => world.close());

  const sequencesOf = (commits: number) =>
    Array.from({ length: commits }, (_, commit) => [1, 2, 3].map((n) => commit * 1_000 + n)).flat();

  async function query(sql: string): Promise<readonly unknown[][]> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(sql)).getRowsJson();
    connection.closeSync();
    instance.closeSync();
    return rows;
  }

  it('keeps the books as the table spec has them: entries, sequence numbers, counts', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 1);
    const before = await readCurrent(world.lake, TRADES);
    const { bytesBefore, bytesAfter } = await world.compact();
    const { metadata, snapshot, manifests } = await readCurrent(world.lake, TRADES);

    const entries = manifests.flatMap(({ manifest, entries: all }) => all.map((entry) => inherited(entry, manifest)));
    const id = snapshot['snapshot-id'];
    const of = (status: string) => entries.filter((entry) => entry.status === status && entry.snapshotId === id);
    // Of the youngest of its inputs; the file itself is of this commit.
    expect(of('added')).toMatchObject([
      { snapshotId: id, dataSequenceNumber: 2, fileSequenceNumber: 4, file: { recordCount: 6, sortOrderId: 1 } },
    ]);
    expect(
      of('deleted').map((entry) => [entry.snapshotId, entry.dataSequenceNumber, entry.fileSequenceNumber]),
    ).toEqual(
      expect.arrayContaining([
        [id, 1, 1],
        [id, 2, 2],
      ]),
    );
    expect(of('deleted')).toHaveLength(2);
    // The manifest of the other day is the one that was there.
    const [untouched] = before.manifests;
    expect(manifests.map(({ manifest }) => manifest.path)).toContain(untouched.manifest.path);
    for (const { manifest, entries: all } of manifests) {
      const count = (status: string) => all.filter((entry) => entry.status === status).length;
      expect([manifest.addedFiles, manifest.existingFiles, manifest.deletedFiles]).toEqual([
        count('added'),
        count('existing'),
        count('deleted'),
      ]);
      const live = all.filter(({ status }) => status !== 'deleted').map((entry) => inherited(entry, manifest));
      const sequenceNumbers = live.map((entry) => entry.dataSequenceNumber!);
      expect(manifest.minSequenceNumber).toBe(Math.min(manifest.sequenceNumber, ...sequenceNumbers));
    }
    expect(snapshot).toMatchObject({ 'sequence-number': 4, 'parent-snapshot-id': before.snapshot['snapshot-id'] });
    expect(snapshot.summary).toMatchObject({
      operation: 'replace',
      'added-data-files': '1',
      'added-records': '6',
      'added-files-size': String(bytesAfter),
      'deleted-data-files': '2',
      'deleted-records': '6',
      'removed-files-size': String(bytesBefore),
      'changed-partition-count': '1',
      'total-data-files': '2',
      'total-records': '9',
      'total-files-size': String(Number(before.snapshot.summary['total-files-size']) - bytesBefore + bytesAfter),
      'k2.progress': before.snapshot.summary['k2.progress'],
    });
    expect(metadata['snapshot-log'].at(-1)!['snapshot-id']).toBe(id);
    // What only tells of the deletion is not carried on.
    await world.commit(1);
    const next = await readCurrent(world.lake, TRADES);
    expect(next.manifests.flatMap(({ entries: all }) => all.filter(({ status }) => status === 'deleted'))).toEqual([]);
  });

  it('writes files as appends do: sorted, with field ids, exact bounds and counts', async () => {
    world = await MaintainedLake.create();
    const symbols = ['ZZZ', 'SIXTEEN-AND-MORE-1', 'SIXTEEN-AND-MORE-2', '\uFFFD', '\u{1F600}'];
    for (let commit = 0; commit < 3; commit++) {
      const rows = Array.from({ length: 50 }, (_, row) => ({
        series: series({ symbol: symbols[(row * 7 + commit) % 5] }),
        tradeId: row % 5 === 0 ? null : `t${row}`,
        venueSequence: commit * 1_000 + row,
      }));
      await world.commitRows(tradeBatch({ rows }));
    }
    await world.compact();
    const { manifests } = await readCurrent(world.lake, TRADES);
    const [{ file }] = manifests.flatMap(({ entries }) => entries.filter(({ status }) => status === 'added'));
    const { path } = await world.lake.objects.localFile(world.lake.objects.key(file.path));

    const order = 'symbol, timestamp, source_sequence';
    const stored = await query(`SELECT ${order} FROM read_parquet('${path}')`);
    expect(stored).toHaveLength(150);
    expect(stored).toEqual(await query(`SELECT ${order} FROM read_parquet('${path}') ORDER BY ${order}`));
    const ids = await query(
      `SELECT DISTINCT field_id FROM parquet_schema('${path}') WHERE field_id IS NOT NULL ORDER BY 1`,
    );
    expect(ids.flat().map(Number)).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
    const offsets = await query(
      `SELECT min(least(coalesce(dictionary_page_offset, data_page_offset), data_page_offset)) FROM parquet_metadata('${path}') GROUP BY row_group_id`,
    );
    expect(file.splitOffsets).toEqual(offsets.flat().map(Number));
    const text = (bytes: Uint8Array | undefined) => deserializeValue('string', bytes!);
    expect([text(file.lowerBounds.get(2)), text(file.upperBounds.get(2))]).toEqual(['SIXTEEN-AND-MORE', '\u{1F600}']);
    expect([file.valueCounts.get(1), file.nullValueCounts.get(1)]).toEqual([150, 30]);
    expect([...file.columnSizes.keys()]).toContain(18);
  });

  it('gives a group up whose files another writer replaced meanwhile, and leaves none of its own behind', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 0);
    const other = world.lake.openMaintenance();
    let raced = false;
    world.lake.catalog.intercept = async (_, apply) => {
      if (!raced) {
        raced = true;
        await world.compact({}, other);
      }
      apply();
    };
    expect(await world.compact()).toMatchObject({ groups: 0, abandonedGroups: 1, filesBefore: 0, isDone: false });
    expect(await world.sequences()).toEqual(sequencesOf(3));
    const reached = await reachedKeys(world.lake, TRADES);
    expect((await world.dataFiles()).filter((key) => !reached.has(key))).toEqual([]);
    expect(await world.lake.temporaryFiles()).toEqual([]);
  });

  it('gives a group up whose files are gone altogether before it reads them', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const localFile = world.lake.objects.localFile.bind(world.lake.objects);
    const other = world.lake.openMaintenance({ readerGraceMs: 0 });
    let raced = false;
    world.lake.objects.localFile = async (key) => {
      if (!raced) {
        raced = true;
        await world.compact({}, other);
        world.lake.clock.advanceMs(1_000);
        await other.expireSnapshots(TRADES, { keepNewest: 1, tiers: [] }, { dryRun: false });
      }
      return localFile(key);
    };
    expect(await world.compact()).toMatchObject({ groups: 0, abandonedGroups: 1 });
    expect(await world.sequences()).toEqual(sequencesOf(2));
  });

  it('is built anew on what was appended while it was at work', async () => {
    world = await MaintainedLake.create({ manifestsMax: 3 });
    await world.commitDays(0, 0, 0);
    let races = 5;
    world.lake.catalog.intercept = async (change, apply) => {
      // Appends merge manifests: what an attempt has written of one does not always serve the next.
      if (change.progress.length === 0 && races-- > 0) await world.commit(0);
      apply();
    };
    expect(await world.compact()).toMatchObject({ groups: 1, filesBefore: 3 });
    expect(await world.sequences()).toEqual(sequencesOf(8));
    expect((await world.store.snapshots(TRADES, 1))[0]).toMatchObject({ totalRows: 24, totalFiles: 6 });
  });

  it('finds out that a commit took effect whose answer was lost', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    world.lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    expect(await world.compact()).toMatchObject({ groups: 1, abandonedGroups: 0 });
    world.lake.catalog.intercept = null;
    expect(await world.sequences()).toEqual(sequencesOf(2));
    expect(await world.store.snapshots(TRADES, 10)).toHaveLength(3);
  });

  it('believes a commit that took effect late rather than that its files are gone', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    let late: (() => void) | null = null;
    const committed = world.lake.catalog.committed.bind(world.lake.catalog);
    world.lake.catalog.intercept = (_, apply) => {
      late ??= apply;
      throw lost();
    };
    let asked = 0;
    world.lake.catalog.committed = async (changeId) => {
      // After the next attempt has been begun.
      const answer = await committed(changeId);
      if (++asked === 2) late!();
      return answer;
    };
    expect(await world.compact()).toMatchObject({ groups: 1, abandonedGroups: 0, filesAfter: 1 });
    world.lake.catalog.intercept = null;
    expect(await world.sequences()).toEqual(sequencesOf(2));
    await reachedKeys(world.lake, TRADES);
  });

  it('deletes nothing while it is unknown whether its commit took effect', async () => {
    world = await MaintainedLake.create({ commitAttemptsMax: 2 });
    await world.commitDays(0, 0);
    world.lake.catalog.intercept = (_, apply) => {
      apply();
      throw lost();
    };
    const committed = world.lake.catalog.committed.bind(world.lake.catalog);
    world.lake.catalog.committed = async () => Promise.reject(new PortError('unavailable', 'down'));
    await expect(world.compact()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    world.lake.catalog.committed = committed;
    world.lake.catalog.intercept = null;
    expect(await world.sequences()).toEqual(sequencesOf(2));
    await reachedKeys(world.lake, TRADES);
  });

  it('deletes nothing after an error that no catalog should throw: the commit may have taken effect', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const { committed } = world.lake.catalog;
    world.lake.catalog.intercept = (_, apply) => {
      apply();
      throw new Error('read ECONNRESET');
    };
    world.lake.catalog.committed = async () => false;
    await expect(world.compact()).rejects.toMatchObject({ kind: 'unavailable' });
    world.lake.catalog.committed = committed;
    world.lake.catalog.intercept = null;
    expect(await world.sequences()).toEqual(sequencesOf(2));
    await reachedKeys(world.lake, TRADES);
  });

  it('leaves the table alone where other writers win every attempt, and deletes what it made', async () => {
    world = await MaintainedLake.create({ commitAttemptsMax: 2 });
    await world.commitDays(0, 0);
    const before = await world.dataFiles();
    world.lake.catalog.intercept = () => {
      throw new PortError('commit-conflict', 'moved', {}, { retryable: true });
    };
    await expect(world.compact()).rejects.toMatchObject({ kind: 'commit-conflict', retryable: true });
    expect(await world.dataFiles()).toEqual(before);
  });

  it('is not kept by one damaged file from merging the others', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0, 1, 1);
    const [damaged] = await world.dataFiles();
    await writeFile((await world.lake.objects.localFile(damaged)).path, 'not Parquet');
    await expect(world.compact()).rejects.toMatchObject({ kind: 'damaged' });
    expect(await world.dataFiles()).toHaveLength(5);
    expect((await world.store.snapshots(TRADES, 1))[0]).toMatchObject({
      operation: 'replace',
      totalFiles: 3,
      totalRows: 12,
    });
    expect(await world.lake.temporaryFiles()).toEqual([]);
  });

  it('replaces nothing where values would be lost: a file without field ids, a file of fewer rows', async () => {
    world = await MaintainedLake.create();
    world.lake.nameAsOthers();
    await world.commitDays(0, 0);
    const before = await world.store.snapshots(TRADES, 10);
    const [first] = await world.dataFiles();
    const { path } = await world.lake.objects.localFile(first);
    await query(`COPY (SELECT * FROM read_parquet('${path}')) TO '${path}.new' (FORMAT parquet)`);
    await world.swap(first, `${path}.new`);
    await expect(world.compact()).rejects.toThrow('no field ids');
    await query(
      `COPY (SELECT * FROM read_parquet('${path}') LIMIT 1) TO '${path}.new' (FORMAT parquet, FIELD_IDS {trade_id: 1})`,
    );
    await world.swap(first, `${path}.new`);
    await expect(world.compact()).rejects.toThrow('6 rows were to be rewritten and 4 were written');
    await query(
      `COPY (SELECT * REPLACE (NULL::DECIMAL(18,8) AS price) FROM read_parquet('${path}') UNION ALL BY NAME SELECT * FROM read_parquet('${path}') UNION ALL BY NAME SELECT * FROM read_parquet('${path}')) TO '${path}.new' (FORMAT parquet, FIELD_IDS {trade_id: 1, price: 6})`,
    );
    await world.swap(first, `${path}.new`);
    await expect(world.compact()).rejects.toThrow(/values were to be rewritten/);
    expect(await world.store.snapshots(TRADES, 10)).toEqual(before);
  });

  it('refuses a table with a column that K2 cannot write', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    await world.alter((metadata) => ({
      ...metadata,
      schemas: metadata.schemas.map((schema) => ({
        ...schema,
        fields: [...schema.fields, { id: 99, name: 'score', required: false, type: 'double' as never }],
      })),
    }));
    for (const dryRun of [true, false]) {
      const refused = { kind: 'not-allowed', context: { column: 'score' } };
      await expect(world.compact({ dryRun })).rejects.toMatchObject(refused);
    }
    expect(await world.dataFiles()).toHaveLength(2);
  });

  it('gives a group up that takes too long, and its process with it', async () => {
    world = await MaintainedLake.create({ jobTimeoutMs: 1 });
    await world.commitDays(0, 0);
    await expect(world.compact()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('longer than 1 ms'),
    });
    expect(await world.lake.temporaryFiles()).toEqual([]);
    expect(await world.dataFiles()).toHaveLength(2);
  });

  it('does not commit what it stored so long ago that it may have been taken for garbage', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const put = world.lake.objects.putIfAbsent.bind(world.lake.objects);
    world.lake.objects.putIfAbsent = async (key, content) => {
      // The machine sleeps, after the data file and before the manifest.
      if (key.endsWith('.avro')) world.lake.clock.advanceMs(86_400_000);
      return put(key, content);
    };
    await expect(world.compact()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(await world.dataFiles()).toHaveLength(2);
  });

  it('compacts beside a snapshot of another engine, whose summary says nothing of the log', async () => {
    world = await MaintainedLake.create();
    await world.commitDays(0, 0);
    const [{ progress }] = await world.store.snapshots(TRADES, 1);
    await world.alter((metadata) => {
      const newest = metadata.snapshots.at(-1)!;
      const { operation } = newest.summary;
      return { ...metadata, snapshots: [...metadata.snapshots.slice(0, -1), { ...newest, summary: { operation } }] };
    });
    await world.compact();
    const [newest] = await world.store.snapshots(TRADES, 1);
    expect(newest).toMatchObject({ operation: 'replace', progress });
    // What another engine left out of the totals is not made up.
    const { snapshot } = await readCurrent(world.lake, TRADES);
    expect(snapshot.summary['total-records']).toBeUndefined();
  });
});
