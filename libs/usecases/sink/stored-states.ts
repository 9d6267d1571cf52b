import { parseSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { StateMove, StoredState, TickStore } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

/** Of the keys under which the store keeps the states of series. */
export const SERIES_PREFIX = 'series/';

/** The committed states of these series that exist, by `seriesKey`. */
export async function storedSeriesStates(
  store: Pick<TickStore, 'state'>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, SeriesState>> {
  const stored = await store.state(keys.map((key) => SERIES_PREFIX + key));
  const states = new Map<string, SeriesState>();
  for (const key of keys) {
    const found = stored.get(SERIES_PREFIX + key);
    if (found !== undefined) states.set(key, parseSeriesState(found.value));
  }
  return states;
}

/** What the rows of one owner changed, as the store keeps it; `committed` must follow once it is stored. */
export interface StateChanges {
  readonly changes: ReadonlyMap<string, StateMove>;
  committed(): void;
}

/** What a state of the owner's rests on. */
export function wasOf(stored: StoredState | undefined, owner: string): StateMove['was'] {
  if (stored === undefined) return 'absent';
  return stored.owner !== null && partitionName(stored.owner) === owner ? 'own' : stored;
}
