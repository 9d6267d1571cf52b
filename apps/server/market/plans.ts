import { RECORD_SCHEMAS, recordSchema, type TableName } from '@k2/domain/market';
import { isPortError, type AsOf, type ScanPlan, type ScanRequest, type TickStore } from '@k2/ports';

type Filter = Omit<ScanRequest, 'table' | 'asOf'>;

export const ALL_TABLES: readonly TableName[] = RECORD_SCHEMAS.map(({ table }) => table);

/**
 * Plans of several tables as of one instant: a commit is in all of them or in none. A snapshot id means the instant
 * when that snapshot, of whichever table, was committed. A table that had nothing yet is empty; where all had nothing
 * at a time asked for, `no-snapshot-before`.
 */
export async function plansAsOf(
  store: TickStore,
  tables: readonly TableName[],
  asOf: AsOf,
  filter: Filter = {},
): Promise<readonly ScanPlan[]> {
  if (asOf.kind === 'latest') return latestPlans(store, tables, filter);
  const timeUs = asOf.kind === 'time' ? asOf.timeUs : await committedUsOf(store, asOf.snapshotId);
  const planned = await Promise.allSettled(
    tables.map((table) => store.plan({ table, asOf: { kind: 'time', timeUs }, ...filter })),
  );
  const refused = planned.filter((one) => one.status === 'rejected');
  for (const { reason } of refused) if (!isPortError(reason, 'no-snapshot-before')) throw reason;
  if (asOf.kind === 'time' && refused.length === tables.length) throw refused[0].reason;
  return planned.map((one, at) => (one.status === 'fulfilled' ? one.value : emptyPlan(tables[at])));
}

async function latestPlans(
  store: TickStore,
  tables: readonly TableName[],
  filter: Filter,
): Promise<readonly ScanPlan[]> {
  const plans = await Promise.all(tables.map((table) => store.plan({ table, asOf: { kind: 'latest' }, ...filter })));
  const committed = plans.map(({ committedUs }) => committedUs).filter((timeUs) => timeUs !== null);
  if (committed.length === 0) return plans;
  // A commit may have come between two of them: the ones before it are planned again.
  const timeUs = Math.max(...committed);
  const asOf: AsOf = { kind: 'time', timeUs };
  return Promise.all(
    plans.map(async (plan, at) => {
      if (plan.committedUs === timeUs) return plan;
      return store.plan({ table: tables[at], asOf, ...filter }).catch((error: unknown) => {
        if (isPortError(error, 'no-snapshot-before')) return plan;
        throw error;
      });
    }),
  );
}

async function committedUsOf(store: TickStore, snapshotId: bigint): Promise<number> {
  const asOf: AsOf = { kind: 'snapshot', snapshotId };
  const planned = await Promise.allSettled(ALL_TABLES.map((table) => store.plan({ table, asOf })));
  for (const one of planned)
    if (one.status === 'fulfilled' && one.value.committedUs !== null) return one.value.committedUs;
  const refused = planned.filter((one) => one.status === 'rejected');
  throw (refused.find(({ reason }) => !isPortError(reason, 'unknown-snapshot')) ?? refused[0]).reason;
}

function emptyPlan(table: TableName): ScanPlan {
  const fields = recordSchema(table).fields.map(({ id, name, type, required }) => ({ id, name, type, required }));
  return { table, snapshotId: null, committedUs: null, fields, files: [], filesTotal: 0 };
}
