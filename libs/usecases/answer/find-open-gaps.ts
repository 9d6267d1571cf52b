import { GapTally, type KnownGaps } from '@k2/domain/lake';
import type { RecordType } from '@k2/domain/market';
import type { AskOptions, AsOf, QueryEngine, TickFilter, TickStore } from '@k2/ports';
import { readMissing, readSessions, timesOfEntries } from './ledger-rows.ts';
import { plansAsOf } from './plans-as-of.ts';

export interface GapsRequest {
  readonly filter: TickFilter;
  /** All where absent. */
  readonly recordType?: RecordType;
  readonly asOf: AsOf;
  /** Gaps listed; all are counted. */
  readonly limit: number;
}

/** What is missing within a filter: gaps reported less what arrived late, by record type, instrument and sequence. */
export async function findOpenGaps(
  { store, engine }: { readonly store: TickStore; readonly engine: QueryEngine },
  { filter, recordType, asOf, limit }: GapsRequest,
  options: AskOptions,
): Promise<KnownGaps> {
  const { fromUs, toUs, ...instruments } = filter;
  const tables = ['audit.sequence_gaps', 'audit.sessions'] as const;
  const { plans } = await plansAsOf(
    store,
    tables.map((table) => ({ table, ...instruments })),
    asOf,
  );
  const [gaps, sessions] = plans;
  const times = { ...(fromUs !== undefined && { fromUs }), ...(toUs !== undefined && { toUs }) };
  const series = { ...instruments, ...(recordType !== undefined && { recordType }) };
  const { starts } = await readSessions(engine, sessions, series, options);
  const found = new GapTally(times, limit, starts);
  await readMissing(engine, gaps, { ...series, ...timesOfEntries(times, starts) }, found, options);
  return found.known;
}
