import { RECORD_SCHEMAS, recordSchema, type TableName } from '@k2/domain/market';
import {
  isPortError,
  PortError,
  type AskOptions,
  type AsOf,
  type QueryEngine,
  type ScanPlan,
  type ScanRequest,
  type TickStore,
  type TickStoreError,
} from '@k2/ports';

/** What is to be planned of one table. */
export type TableRequest = Omit<ScanRequest, 'asOf'>;

export const ALL_TABLES: readonly TableName[] = RECORD_SCHEMAS.map(({ table }) => table);

/** Plans of several tables as of one instant: of every commit, all of it or nothing. */
export interface PlansAsOf {
  /** In the order of the requests. */
  readonly plans: readonly ScanPlan[];
  /** As of this time the plans are the same again; null where nothing was committed yet. */
  readonly asOfUs: number | null;
}

/**
 * A snapshot id means the instant when that snapshot, of whichever table, was committed. A table that had nothing yet
 * is empty; if no table of the lake had anything at a time asked for, `no-snapshot-before`.
 */
export async function plansAsOf(store: TickStore, requests: readonly TableRequest[], asOf: AsOf): Promise<PlansAsOf> {
  const { plans, asOfUs } = await tablesAsOf(store, requests, asOf);
  return { plans: plans.map(withRecordNames), asOfUs };
}

async function tablesAsOf(store: TickStore, requests: readonly TableRequest[], asOf: AsOf): Promise<PlansAsOf> {
  if (asOf.kind === 'latest') return latestPlans(store, requests);
  const asOfUs = asOf.kind === 'time' ? asOf.timeUs : await committedUsOf(store, asOf.snapshotId);
  const planned = await Promise.all(requests.map((request) => planAt(store, request, asOfUs)));
  const refusals = planned.filter((one) => one instanceof Error);
  if (asOf.kind === 'time' && refusals.length === requests.length && !(await hasCommitBy(store, requests, asOfUs)))
    throw refusals[0];
  const plans = planned.map((one, at) => (one instanceof Error ? emptyPlan(requests[at].table) : one));
  // Until the time asked for has passed, commits may still come before it: what it names now is the last one so far.
  return asOf.kind === 'time' ? asOfLastCommit(store, requests, plans) : { plans, asOfUs };
}

/**
 * The plans that SQL needs, and no more: of the tables that it names, the files that its constants leave. Of SQL that
 * names none, an empty plan, so that `asOf` is judged all the same.
 */
export async function plansOfSql(
  { store, engine }: { readonly store: TickStore; readonly engine: QueryEngine },
  { sql, asOf }: { readonly sql: string; readonly asOf: AsOf },
  options: AskOptions,
): Promise<PlansAsOf> {
  const reads = await engine.sqlReads(sql, options);
  return plansAsOf(store, reads.length > 0 ? reads : [{ table: 'market_data.trades', symbols: [] }], asOf);
}

async function latestPlans(store: TickStore, requests: readonly TableRequest[]): Promise<PlansAsOf> {
  const latest = await Promise.all(requests.map((request) => store.plan({ ...request, asOf: { kind: 'latest' } })));
  return asOfLastCommit(store, requests, latest);
}

/** A commit may have come between two of the plans: those made before it are made again, as of it. */
async function asOfLastCommit(
  store: TickStore,
  requests: readonly TableRequest[],
  planned: readonly ScanPlan[],
): Promise<PlansAsOf> {
  const committed = planned.map(({ committedUs }) => committedUs).filter((timeUs) => timeUs !== null);
  if (committed.length === 0) return { plans: planned, asOfUs: null };
  const asOfUs = Math.max(...committed);
  const plans = await Promise.all(
    planned.map(async (plan, at) => {
      if (plan.committedUs === asOfUs) return plan;
      const again = await planAt(store, requests[at], asOfUs);
      return again instanceof Error ? plan : again;
    }),
  );
  return { plans, asOfUs };
}

/** Whether a table that was not asked for had something by then. */
async function hasCommitBy(store: TickStore, requests: readonly TableRequest[], timeUs: number): Promise<boolean> {
  const others = ALL_TABLES.filter((table) => !requests.some((request) => request.table === table));
  const planned = await Promise.all(others.map((table) => planAt(store, { table, symbols: [] }, timeUs)));
  return planned.some((one) => !(one instanceof Error));
}

/**
 * K2's columns under the names that K2's questions and answers have for them, whatever another engine calls them in the
 * table. An optional one that is gone has no values.
 */
function withRecordNames(plan: ScanPlan): ScanPlan {
  const record = recordSchema(plan.table).fields;
  const byId = new Map(plan.fields.map((field) => [field.id, field]));
  const own = record.map(({ id, name, type, required }) => {
    const field = byId.get(id);
    if (field === undefined && required) throw missingColumn(plan.table, id, name);
    return field === undefined ? { id, name, type, required } : { ...field, name };
  });
  const taken = new Set(record.flatMap(({ id, name }) => [id, name]));
  const others = plan.fields.filter(({ id, name }) => !taken.has(id) && !taken.has(name));
  const fields = [...own, ...others];
  const isSame =
    fields.length === plan.fields.length && fields.every((field) => byId.get(field.id)?.name === field.name);
  // An engine that reads tables and not files has to find them under the table's own names.
  return isSame ? plan : { ...plan, fields, snapshotFields: plan.snapshotFields ?? plan.fields };
}

function missingColumn(table: TableName, id: number, name: string): TickStoreError {
  return new PortError(
    'invalid-schema-change',
    `${table} has no column under field id ${id}, where K2 keeps ${name}: another engine dropped it; return the table to the schema it had`,
    { table, fieldId: id },
  );
}

/** The refusal where the table had no snapshot at that time. */
async function planAt(store: TickStore, request: TableRequest, timeUs: number): Promise<ScanPlan | Error> {
  try {
    return await store.plan({ ...request, asOf: { kind: 'time', timeUs } });
  } catch (error) {
    if (isPortError(error, 'no-snapshot-before')) return error;
    throw error;
  }
}

async function committedUsOf(store: TickStore, snapshotId: bigint): Promise<number> {
  let refusal: unknown;
  for (const table of ALL_TABLES) {
    try {
      const { committedUs } = await store.plan({ table, asOf: { kind: 'snapshot', snapshotId } });
      if (committedUs !== null) return committedUs;
    } catch (error) {
      if (!isPortError(error, 'unknown-snapshot')) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function emptyPlan(table: TableName): ScanPlan {
  const fields = recordSchema(table).fields.map(({ id, name, type, required }) => ({ id, name, type, required }));
  return { table, snapshotId: null, committedUs: null, fields, files: [], filesTotal: 0, alterations: [] };
}
