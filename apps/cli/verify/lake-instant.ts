import { parseTimeUs, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { AsOf } from '@k2/ports';
import { collectRows, type JsonRow, type K2Session, type RowStream } from '../session/session.ts';

/** One instant of the lake: whatever is asked of it is answered as of the same commit, while others go on committing. */
export interface LakeInstant {
  /** When its newest commit was made, UTC µs; null where nothing is committed yet. */
  readonly committedUs: number | null;
  /** The newest snapshot of each table at that time, where it had one. */
  readonly snapshots: ReadonlyMap<TableName, JsonRow>;
  query(sql: string, limit: number): Promise<RowStream>;
}

const TABLES: readonly TableName[] = RECORD_SCHEMAS.map(({ table }) => table);
/** More than there can be commits between two questions. */
const SNAPSHOTS_LISTED = 1_000;

/** The newest instant. */
export async function newestInstant(session: Pick<K2Session, 'query' | 'snapshots'>): Promise<LakeInstant> {
  const newest = async (table: TableName, limit: number) => collectRows(await session.snapshots({ table, limit }));
  const latest = (await Promise.all(TABLES.map((table) => newest(table, 1)))).flat();
  const committedUs = latest.length === 0 ? null : Math.max(...latest.map(committedUsOf));
  const snapshots = new Map<TableName, JsonRow>();
  if (committedUs !== null) {
    // A commit may have come between two of the tables: each is looked at again, as of that time.
    for (const table of TABLES) {
      const at = (await newest(table, SNAPSHOTS_LISTED)).find((snapshot) => committedUsOf(snapshot) <= committedUs);
      if (at !== undefined) snapshots.set(table, at);
    }
  }
  const asOf: AsOf = committedUs === null ? { kind: 'latest' } : { kind: 'time', timeUs: committedUs };
  return { committedUs, snapshots, query: (sql, limit) => session.query(sql, limit, asOf) };
}

function committedUsOf(snapshot: JsonRow): number {
  return parseTimeUs(String(snapshot['committed_at']));
}
