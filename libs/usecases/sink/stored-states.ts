import { parseSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { TickStore } from '@k2/ports';

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
