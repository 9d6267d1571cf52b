import { PortError, type Clock } from '@k2/ports';
import { MIGRATIONS } from './migrations.ts';
import type { PostgresPool, Query } from './postgres-pool.ts';

/** Of all who want to migrate a database, one does; the number is K2's own. */
const MIGRATION_LOCK = 4_936_217_032;

/**
 * Brings the schema that the connection uses to this K2's version. Reads only if it is there already, so the user
 * need not own the tables then. Rejects with `unavailable` if a newer K2 has been.
 */
export async function migrate(pool: PostgresPool, clock: Clock): Promise<void> {
  const { encoding, schema, isNew } = await surroundings(pool);
  if (encoding !== 'UTF8') throw refused(pool, `its encoding is ${encoding}: create the database with encoding UTF8`);
  if (schema === null) throw refused(pool, 'its search_path names no schema that exists: create the schema first');
  const stored = isNew ? 0 : await storedVersion((text) => pool.read(text));
  assertKnown(pool, stored);
  if (stored < newest()) await pool.transaction((query) => applyMissing(query, pool, clock));
}

async function surroundings(pool: PostgresPool) {
  const [found] = await pool.read<{ encoding: string; schema: string | null; isNew: boolean }>(
    `SELECT current_setting('server_encoding') AS encoding, current_schema() AS schema,
       to_regclass(quote_ident(current_schema()) || '.k2_migrations') IS NULL AS "isNew"`,
  );
  return found;
}

async function applyMissing(query: Query, pool: PostgresPool, clock: Clock): Promise<void> {
  await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await query(
    'CREATE TABLE IF NOT EXISTS k2_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_us BIGINT NOT NULL)',
  );
  // Perhaps another process was here while this one waited for the lock.
  const stored = await storedVersion(query);
  assertKnown(pool, stored);
  for (const { version, name, statements } of MIGRATIONS.filter(({ version }) => version > stored)) {
    await query(statements);
    await query('INSERT INTO k2_migrations VALUES ($1, $2, $3)', [version, name, clock.nowUs()]);
  }
}

async function storedVersion(query: Query): Promise<number> {
  const [{ version }] = await query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM k2_migrations',
  );
  return version;
}

function assertKnown(pool: PostgresPool, stored: number): void {
  if (stored <= newest()) return;
  const found = `its catalog is at version ${stored} of a newer K2, and this one knows versions up to ${newest()}`;
  throw refused(pool, `${found}: run the newer K2, or restore the backup from before its upgrade`, { stored });
}

const newest = () => MIGRATIONS[MIGRATIONS.length - 1].version;

function refused({ server }: PostgresPool, why: string, context: Readonly<Record<string, unknown>> = {}): PortError {
  return new PortError('unavailable', `PostgreSQL ${server} cannot be the catalog, ${why}`, { server, ...context });
}
