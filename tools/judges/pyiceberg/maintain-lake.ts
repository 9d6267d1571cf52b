// Usage: node --conditions=k2-source tools/judges/pyiceberg/maintain-lake.ts DIR
// Compacts the lake that write-lake.ts wrote, rewrites its manifests and gives most snapshots up. DIR/expect.json then has
// the snapshots that are left: rows and sums of the newest one, and rows of each older one, stay what they were.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemObjectStore } from '@k2/adapter-filesystem';
import { IcebergTableMaintenance, IcebergTickStore } from '@k2/adapter-iceberg';
import { SqliteTableCatalog } from '@k2/adapter-sqlite';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import type { TableName } from '@k2/domain/market';
import type { Telemetry } from '@k2/ports';

/** Snapshots of appends that stay. */
const OLD_SNAPSHOTS = 2;
const SILENT: Telemetry = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ record: () => undefined }),
  gauge: () => undefined,
  log: () => undefined,
};

interface Expected {
  readonly rows: number;
  readonly snapshots: Readonly<Record<string, number>>;
}

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: maintain-lake.ts DIR');
const expectPath = join(directory, 'expect.json');
const expected = JSON.parse(readFileSync(expectPath, 'utf8')) as { readonly tables: Record<TableName, Expected> };

const clock = new SystemClock();
const catalog = await SqliteTableCatalog.open({ path: join(directory, 'catalog.db'), clock });
const objects = await FilesystemObjectStore.open(join(directory, 'warehouse'), clock);
const random = new SystemRandom(clock);
const ports = { catalog, objects, clock, random, scheduler: new SystemScheduler(), telemetry: SILENT };
const options = { tempDirectory: join(directory, 'temp'), rowGroupRows: 2_048, readerGraceMs: 0 };
const store = new IcebergTickStore(ports, options);
const maintenance = new IcebergTableMaintenance(ports, options);

for (const { table, fileCount, sizeBytes } of await store.stats()) {
  if (fileCount === 0) continue;
  const compacted = await maintenance.compact(table, {
    dryRun: false,
    // Of four files of one day two are made, so that they are ranges of symbols.
    fileBytesTarget: Math.ceil((1.5 * sizeBytes) / fileCount),
    zstdLevel: 9,
    filesMin: 2,
    closedBeforeUs: clock.nowUs() + 86_400_000_000,
    bytesMax: 2 ** 30,
  });
  if (compacted.groups === 0) throw new Error(`${table}: nothing was compacted`);
  await maintenance.rewriteManifests(table, { dryRun: false });
  const wanted = expected.tables[table];
  const made = (await store.snapshots(table, 1_000)).filter(({ operation }) => operation === 'replace').length;
  await maintenance.expireSnapshots(table, { keepNewest: made + OLD_SNAPSHOTS, tiers: [] }, { dryRun: false });
  const left = await store.snapshots(table, 1_000);
  console.log(`${table}: ${fileCount} files, now ${left[0].totalFiles}; ${left.length} snapshots left`);
  if (wanted === undefined) continue;
  const rowsOf = (snapshotId: bigint) => wanted.snapshots[String(snapshotId)] ?? wanted.rows;
  const snapshots = Object.fromEntries(left.map(({ snapshotId }) => [String(snapshotId), rowsOf(snapshotId)]));
  expected.tables[table] = { ...wanted, snapshots };
}
writeFileSync(expectPath, `${JSON.stringify(expected, null, 2)}\n`);
await store.close();
await maintenance.close();
await catalog.close();
