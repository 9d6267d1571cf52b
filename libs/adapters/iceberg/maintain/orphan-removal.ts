import type { TableName } from '@k2/domain/market';
import {
  ORPHAN_AGE_MS_MIN,
  PortError,
  type Clock,
  type MaintenanceOptions,
  type ObjectStore,
  type ObjectSummary,
  type OrphanReport,
  type TableCatalog,
  type TableMaintenanceError,
  type Telemetry,
} from '@k2/ports';
import type { LakeTables } from '../lake-tables.ts';
import type { TableFiles } from '../table-files.ts';
import { throwIfCancelled } from './cancelled.ts';
import { deleteObjects, sizeOf } from './delete-objects.ts';
import { fileName, keyOrNull } from './object-keys.ts';
import { reachableFiles } from './reachable-files.ts';
import { checkMayDelete } from './table-permissions.ts';

export interface OrphanParts {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly catalog: TableCatalog;
  readonly tables: LakeTables;
  readonly files: TableFiles;
}

/** Keys that a report names. */
const KEYS_MAX = 1_000;

/**
 * Deletes what lies in a table's location and is reached from none of its metadata. The location is listed before the
 * table is read: what is committed in between is older to the list than to the table, or not in the list.
 */
export async function removeOrphans(
  parts: OrphanParts,
  { transfersMax }: { readonly transfersMax: number },
  table: TableName,
  {
    dryRun,
    signal,
    progress,
    olderThanUs,
  }: MaintenanceOptions & { readonly signal: AbortSignal; readonly olderThanUs: number },
): Promise<OrphanReport> {
  const { objects, catalog, tables, files } = parts;
  checkGuard(olderThanUs, parts.clock.nowUs());
  const { metadata: first } = await tables.load(table);
  checkMayDelete(table, first);
  const others = await otherLocations(table, catalog, objects);
  const prefix = `${objects.key(first.location)}/`;
  const listed: ObjectSummary[] = [];
  for await (const object of objects.list(prefix)) {
    throwIfCancelled(signal);
    // A table within the location of another is no orphan of it.
    if (!others.some((other) => other.startsWith(prefix) && object.key.startsWith(other))) listed.push(object);
  }
  const current = await tables.load(table);
  const reachable = await reachableFiles(current, files, objects);
  const unreached = listed.filter(
    ({ key }) => !reachable.keys.has(key) && !reachable.namesElsewhere.has(fileName(key)),
  );
  const orphans = unreached.filter(({ modifiedUs }) => modifiedUs < olderThanUs);
  const deletion = { atOnceMax: transfersMax, signal, ...(progress !== undefined && { progress }) };
  const deleted = dryRun ? orphans : await deleteObjects(parts, orphans, deletion);
  return {
    table,
    dryRun,
    deletedFiles: deleted.length,
    deletedBytes: sizeOf(deleted),
    keys: deleted.slice(0, KEYS_MAX).map(({ key }) => key),
    youngFiles: unreached.length - orphans.length,
  };
}

function checkGuard(olderThanUs: number, nowUs: number): void {
  const ageMs = (nowUs - olderThanUs) / 1_000;
  if (ageMs >= ORPHAN_AGE_MS_MIN) return;
  throw new PortError(
    'not-allowed',
    `files younger than ${ORPHAN_AGE_MS_MIN / 60_000} minutes may be of a commit under way: remove only older ones`,
    { olderThanUs, ageMsMin: ORPHAN_AGE_MS_MIN },
  ) satisfies TableMaintenanceError;
}

/** Where the catalog's other tables lie, as prefixes of keys: two folders up from `<location>/metadata/<file>`. */
async function otherLocations(
  table: TableName,
  catalog: TableCatalog,
  objects: ObjectStore,
): Promise<readonly string[]> {
  const others = [...(await catalog.tables())].filter(([name]) => name !== table);
  const keys = others.map(([, location]) => keyOrNull(objects, location)).filter((key) => key !== null);
  return keys.map((key) => key.replace(/[^/]*\/[^/]*$/, '')).filter((prefix) => prefix !== '');
}
