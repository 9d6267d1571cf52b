import { GapTally, type KnownGaps } from '@k2/domain/lake';
import type { RecordType } from '@k2/domain/market';
import type { AskOptions, AsOf, QueryEngine, TickFilter, TickStore } from '@k2/ports';
import { readMissing } from './ledger-rows.ts';
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
  const { fromUs: _from, toUs: _to, ...instruments } = filter;
  const { plans } = await plansAsOf(store, [{ table: 'audit.sequence_gaps', ...instruments }], asOf);
  const found = new GapTally(filter, limit);
  const asked = { ...filter, ...(recordType !== undefined && { recordType }) };
  await readMissing(engine, plans[0], asked, found, options);
  return found.known;
}
