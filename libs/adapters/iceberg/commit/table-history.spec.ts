import { afterEach, describe, expect, it } from '@jest/globals';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { PartitionClaim } from '@k2/ports';
import { placed, plannedRows, quoteBatch, tradeBatch } from '@k2/testing/builders';
import type { IcebergTickStoreOptions } from '../iceberg-tick-store.ts';
import { parseMetadata } from '../format/metadata-json.ts';
import { readManifest } from '../format/manifest.ts';
import { readManifestList } from '../format/manifest-list.ts';
import { currentSnapshot, defaultSpec } from '../format/metadata.ts';
import { TestLake } from '../test-support/lake.ts';
import { readRows } from '../test-support/read-rows.ts';

const TRADES = 'market_data.trades';

describe('the history of a table', () => {
  let lake: TestLake;
  afterEach(() => lake.close());

  /** Commits `count` times, one offset and one day each. */
  async function committed(count: number, options: Partial<IcebergTickStoreOptions>) {
    lake = await TestLake.create(options);
    const store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    let [claim] = (await store.claim('writer', [{ topic: 't', partition: 0, topicId: 'id' }])) as [PartitionClaim];
    for (let day = 0; day < count; day++) {
      const batch = tradeBatch({ startUs: day * 86_400_000_000, firstSequence: 1 + day * 10 });
      const staged = await store.stage(plannedRows({ ticks: [placed(batch, day)] }));
      [claim] = (await store.commit(staged, { partitions: [{ claim, nextOffset: day + 1 }], state: new Map() }))
        .claims as [PartitionClaim];
    }
    return { store, claim };
  }

  async function metadataNow() {
    const location = (await lake.catalog.metadataLocation(TRADES))!;
    const metadata = parseMetadata(Buffer.from(await lake.objects.get(lake.objects.key(location))).toString());
    const manifests = await readManifestList(
      await lake.objects.get(lake.objects.key(currentSnapshot(metadata)!['manifest-list'])),
    );
    return { location, metadata, manifests };
  }

  it('has its manifests merged when they become many, and loses no file and no row by it', async () => {
    const { store } = await committed(9, { manifestsMax: 3 });
    const { metadata, manifests } = await metadataNow();
    expect(manifests.length).toBeLessThanOrEqual(3);
    const rows = await readRows(await store.plan({ table: TRADES, asOf: { kind: 'latest' } }), lake.objects);
    expect(new Set(rows.map((row) => row['source_sequence'])).size).toBe(27);
    for (const manifest of manifests) {
      const bytes = await lake.objects.get(lake.objects.key(manifest.path));
      expect(manifest.lengthBytes).toBe(bytes.length);
      const entries = await readManifest(bytes, defaultSpec(metadata));
      expect([entries.length, entries.reduce((sum, { file }) => sum + file.recordCount, 0)]).toEqual([
        manifest.addedFiles + manifest.existingFiles,
        manifest.addedRows + manifest.existingRows,
      ]);
      // A merged file keeps the sequence number it was committed with: deletes and time travel go by it.
      for (const { status, file, dataSequenceNumber } of entries) {
        expect(status === 'added' ? dataSequenceNumber : dataSequenceNumber! - 1).toBe(
          status === 'added' ? null : file.partition[0],
        );
      }
    }
    // Every earlier snapshot still has its own rows.
    const snapshots = await store.snapshots(TRADES, 100);
    for (const { snapshotId, totalRows } of snapshots) {
      const plan = await store.plan({ table: TRADES, asOf: { kind: 'snapshot', snapshotId } });
      expect(plan.files.reduce((sum, file) => sum + file.rowCount, 0)).toBe(totalRows);
    }
  });

  it('prunes merged manifests and files by day', async () => {
    const { store } = await committed(8, { manifestsMax: 3 });
    const day = 86_400_000_000;
    const plan = await store.plan({ table: TRADES, asOf: { kind: 'latest' }, fromUs: 2 * day, toUs: 4 * day });
    expect([plan.files.length, plan.filesTotal]).toEqual([2, 8]);
  });

  it('keeps a bounded log of metadata files, and deletes those that fall out of it, no others', async () => {
    await committed(6, { metadataVersionsMax: 2 });
    const { location, metadata } = await metadataNow();
    const logged = metadata['metadata-log'].map((entry) => entry['metadata-file']);
    expect(logged).toHaveLength(2);
    const stored = (await lake.keys('market_data/trades/metadata')).filter((key) => key.endsWith('.metadata.json'));
    expect(stored.map((key) => lake.objects.uri(key)).sort()).toEqual([...logged, location].sort());
  });

  it('says the offsets, topic ids and epochs in every snapshot of every table of a commit', async () => {
    const { store, claim } = await committed(1, {});
    const staged = await store.stage(plannedRows({ ticks: [placed(tradeBatch(), 1), placed(quoteBatch(), 2)] }));
    await store.commit(staged, { partitions: [{ claim, nextOffset: 5 }], state: new Map() });
    for (const table of [TRADES, 'market_data.quotes'] as const) {
      const location = (await lake.catalog.metadataLocation(table))!;
      const metadata = parseMetadata(Buffer.from(await lake.objects.get(lake.objects.key(location))).toString());
      const recorded = JSON.parse(currentSnapshot(metadata)!.summary['k2.progress']);
      expect(recorded).toEqual([{ topic: 't', partition: 0, topicId: 'id', nextOffset: 5, epoch: claim.epoch }]);
    }
  });

  it('a commit without rows moves the progress and writes no file', async () => {
    const { store, claim } = await committed(1, {});
    const before = await lake.keys('');
    const receipt = await store.commit(await store.stage(plannedRows()), {
      partitions: [{ claim, nextOffset: 9 }],
      state: new Map([['k', { value: 'v', owner: { topic: 't', partition: 0 }, was: 'absent' as const }]]),
    });
    expect(receipt).toMatchObject({ rowCount: 0, claims: [{ nextOffset: 9 }] });
    expect(await store.progress()).toMatchObject([{ nextOffset: 9 }]);
    expect(await lake.keys('')).toEqual(before);
  });

  it('discarded rows leave no file behind', async () => {
    const { store } = await committed(1, {});
    const before = await lake.keys('');
    await store.discard(await store.stage(plannedRows({ ticks: [placed(tradeBatch())] })));
    expect(await lake.keys('')).toEqual(before);
  });
});
