import { parseSeriesState, printSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { TickStore } from '@k2/ports';

const SERIES_PREFIX = 'series/';
const REJECTED_PREFIX = 'rejected/';

/**
 * Sequencer states as of the last row taken: those not yet committed, over a bounded cache of committed ones, over the
 * store. Remembers refused rows the same way, so that one refused twice is one entry.
 */
export class StateCache {
  private readonly store: TickStore;
  private readonly statesMax: number;
  /** In order of last use. Null: the store has none. */
  private readonly committed = new Map<string, SeriesState | null>();
  private readonly uncommitted = new Map<string, { readonly state: SeriesState; readonly generation: number }>();
  private readonly rejected = new Map<string, number>();
  private generation = 0;

  constructor(store: TickStore, statesMax: number) {
    this.store = store;
    this.statesMax = statesMax;
  }

  /**
   * The states of these keys that exist. What is known is taken before the store is asked: a commit that lands while the
   * store answers may evict it, and a series whose state was lost would begin anew.
   */
  async load(keys: readonly string[]): Promise<ReadonlyMap<string, SeriesState>> {
    const states = new Map<string, SeriesState>();
    const unknown: string[] = [];
    for (const key of keys) {
      const known = this.known(key);
      if (known === undefined) unknown.push(key);
      else if (known !== null) states.set(key, known);
    }
    if (unknown.length > 0) {
      const stored = await this.store.state(unknown.map((key) => SERIES_PREFIX + key));
      for (const key of unknown) {
        const text = stored.get(SERIES_PREFIX + key);
        const state = text === undefined ? null : parseSeriesState(text);
        this.committed.set(key, state);
        if (state !== null) states.set(key, state);
      }
    }
    this.evict();
    return states;
  }

  /** Throws where a series would go back: what it was sequenced by was not its state. */
  update(states: ReadonlyMap<string, SeriesState>): void {
    for (const [key, state] of states) {
      const known = this.uncommitted.get(key)?.state ?? this.committed.get(key);
      if (known && isBefore(state, known))
        throw new RangeError(
          `series ${key} would go back: ${printSeriesState(known)} is known, ${printSeriesState(state)} came`,
        );
      this.uncommitted.set(key, { state, generation: this.generation });
    }
  }

  /** Those of the ids that were never refused before; from now on they were. */
  async newlyRejected(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = ids.filter((id) => !this.rejected.has(id));
    const stored = await this.store.state(unknown.map((id) => REJECTED_PREFIX + id));
    const fresh = new Set(unknown.filter((id) => !stored.has(REJECTED_PREFIX + id)));
    for (const id of fresh) this.rejected.set(id, this.generation);
    return fresh;
  }

  /** Drops what is committed: another writer may have moved on since. */
  forgetCommitted(): void {
    this.committed.clear();
  }

  /** What changed since the last call, as the store keeps it; `committed` must follow once it is stored. */
  takeChanges(): { readonly changes: ReadonlyMap<string, string>; readonly committed: () => void } {
    const generation = this.generation++;
    const changes = new Map<string, string>();
    for (const [key, entry] of this.uncommitted) {
      if (entry.generation === generation) changes.set(SERIES_PREFIX + key, printSeriesState(entry.state));
    }
    for (const [id, of] of this.rejected) if (of === generation) changes.set(REJECTED_PREFIX + id, '1');
    return { changes, committed: () => this.settle(generation) };
  }

  private settle(generation: number): void {
    for (const [key, entry] of this.uncommitted) {
      if (entry.generation > generation) continue;
      this.uncommitted.delete(key);
      this.committed.delete(key);
      this.committed.set(key, entry.state);
    }
    for (const [id, of] of this.rejected) if (of <= generation) this.rejected.delete(id);
    this.evict();
  }

  /** Null: the store has none. Undefined: the store must be asked. */
  private known(key: string): SeriesState | null | undefined {
    const entry = this.uncommitted.get(key);
    if (entry !== undefined) return entry.state;
    const state = this.committed.get(key);
    if (state === undefined) return undefined;
    this.committed.delete(key);
    this.committed.set(key, state);
    return state;
  }

  private evict(): void {
    for (const key of this.committed.keys()) {
      if (this.committed.size <= this.statesMax) return;
      this.committed.delete(key);
    }
  }
}

function isBefore(state: SeriesState, known: SeriesState): boolean {
  return state.generation === known.generation
    ? state.nextSequence < known.nextSequence
    : state.generation < known.generation;
}
