import { PortError, type CatalogChange } from '@k2/ports';
import type { Query } from './postgres-pool.ts';

export type PointerMove = CatalogChange['tables'][number];

/** Must be the same in every engine that opens these tables. */
const CATALOG_NAME = 'k2';
const IS_TABLE = "(iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

export async function metadataLocations(query: Query): Promise<ReadonlyMap<string, string>> {
  const rows = await query<{ name: string; location: string }>(
    `SELECT table_namespace || '.' || table_name AS name, metadata_location AS location FROM iceberg_tables
     WHERE catalog_name = $1 AND metadata_location IS NOT NULL AND ${IS_TABLE} ORDER BY 1`,
    [CATALOG_NAME],
  );
  return new Map(rows.map(({ name, location }) => [name, location]));
}

export async function metadataLocation(query: Query, table: string): Promise<string | null> {
  const rows = await query<{ location: string | null }>(
    `SELECT metadata_location AS location FROM iceberg_tables
     WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 AND ${IS_TABLE}`,
    [CATALOG_NAME, ...splitName(table)],
  );
  return rows[0]?.location ?? null;
}

/**
 * Takes the locks of the tables that exist, in the order that everybody takes them in, and holds the moves against the
 * rows. Other engines' commits wait, or have come first and are seen.
 */
export async function assertPointers(query: Query, moves: readonly PointerMove[]): Promise<void> {
  if (moves.length === 0) return;
  assertNamedOnce(moves);
  const rows = await query<{ namespace: string; name: string; location: string | null; isTable: boolean }>(
    `SELECT table_namespace AS namespace, table_name AS name, metadata_location AS location, ${IS_TABLE} AS "isTable"
     FROM iceberg_tables
     WHERE catalog_name = $1 AND (table_namespace, table_name) IN (SELECT * FROM unnest($2::text[], $3::text[]))
     ORDER BY table_namespace, table_name FOR UPDATE`,
    [CATALOG_NAME, ...columnsOf(moves)],
  );
  const found = new Map(rows.map((row) => [`${row.namespace}.${row.name}`, row]));
  for (const { table, expected } of moves) {
    const row = found.get(table);
    const current = row?.isTable ? row.location : null;
    // If a view has the name, or a table without metadata, there is nothing to expect, and no room to create either.
    const isAsExpected = expected === null ? row === undefined : current === expected;
    if (!isAsExpected) throw conflict(table, expected, current);
  }
}

/** Creates tables that `assertPointers` did not find, in the same order. */
export async function createTables(query: Query, moves: readonly PointerMove[]): Promise<void> {
  const created = moves.filter(({ expected }) => expected === null);
  if (created.length === 0) return;
  const rows = await query<{ name: string }>(
    `INSERT INTO iceberg_tables
       (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
     SELECT $1, namespace, name, location, NULL, 'TABLE'
     FROM unnest($2::text[], $3::text[], $4::text[]) AS created (namespace, name, location)
     ORDER BY namespace, name
     ON CONFLICT DO NOTHING
     RETURNING table_namespace || '.' || table_name AS name`,
    [CATALOG_NAME, ...columnsOf(created), created.map(({ next }) => next)],
  );
  const inserted = new Set(rows.map(({ name }) => name));
  const lost = created.find(({ table }) => !inserted.has(table));
  if (lost !== undefined) throw conflict(lost.table, lost.expected, await metadataLocation(query, lost.table));
  const namespaces = [...new Set(created.map(({ table }) => splitName(table)[0]))];
  await query(
    `INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
     SELECT $1, namespace, 'exists', 'true' FROM unnest($2::text[]) AS created (namespace)
     ORDER BY namespace
     ON CONFLICT DO NOTHING`,
    [CATALOG_NAME, namespaces],
  );
}

/** The moves of tables that exist: catalog, namespaces, names, locations. */
export function pointerColumns(moves: readonly PointerMove[]): [string, string[], string[], string[]] {
  const moved = moves.filter(({ expected }) => expected !== null);
  return [CATALOG_NAME, ...columnsOf(moved), moved.map(({ next }) => next)];
}

function columnsOf(moves: readonly PointerMove[]): [namespaces: string[], names: string[]] {
  const names = moves.map(({ table }) => splitName(table));
  return [names.map(([namespace]) => namespace), names.map(([, name]) => name)];
}

/** `namespace.table`; a namespace may itself hold dots. */
function splitName(table: string): [namespace: string, name: string] {
  const dot = table.lastIndexOf('.');
  if (dot < 1 || dot === table.length - 1) {
    throw new PortError('unavailable', `${JSON.stringify(table)} is not a table name: expected namespace.table`, {
      table,
    });
  }
  return [table.slice(0, dot), table.slice(dot + 1)];
}

function assertNamedOnce(moves: readonly PointerMove[]): void {
  const names = moves.map(({ table }) => table);
  const twice = names.find((table, i) => names.indexOf(table) < i);
  if (twice === undefined) return;
  throw new PortError('commit-conflict', `table ${twice} is named twice in one change: give one move`, {
    table: twice,
  });
}

function conflict(table: string, expected: string | null, current: string | null): PortError {
  const message = `table ${table} is at ${current ?? 'no metadata'}, not at the expected ${expected ?? 'no metadata'}: re-base and try again`;
  return new PortError('commit-conflict', message, { table, expected, current }, { retryable: true });
}
