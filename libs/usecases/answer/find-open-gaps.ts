import { openGaps, overlapsTimes, type MissingTicks } from '@k2/domain/lake';
import type { RecordType } from '@k2/domain/market';
import type { AskOptions, AsOf, QueryEngine, TickFilter, TickStore } from '@k2/ports';
import { gapRecords } from './ledger-records.ts';
import { plansAsOf } from './plans-as-of.ts';

export interface GapsRequest {
  readonly filter: TickFilter;
  /** All where absent. */
  readonly recordType?: RecordType;
  readonly asOf: AsOf;
}

/** What is missing within a filter: gaps reported less what arrived late, by record type, instrument and sequence. */
export async function findOpenGaps(
  { store, engine }: { readonly store: TickStore; readonly engine: QueryEngine },
  { filter: { fromUs, toUs, ...instruments }, recordType, asOf }: GapsRequest,
  options: AskOptions,
): Promise<readonly MissingTicks[]> {
  const { plans } = await plansAsOf(store, [{ table: 'audit.sequence_gaps', ...instruments }], asOf);
  const filter = { ...instruments, ...(recordType !== undefined && { recordType }) };
  const ledger = await gapRecords(engine, plans[0], filter, options);
  const times = { ...(fromUs !== undefined && { fromUs }), ...(toUs !== undefined && { toUs }) };
  return openGaps(ledger).filter((gap) => overlapsTimes(gap, times));
}
