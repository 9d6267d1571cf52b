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

  /** The states of these keys that exist. */
  async load(keys: readonly string[]): Promise<ReadonlyMap<string, SeriesState>> {
    const unknown = keys.filter((key) => !this.uncommitted.has(key) && !this.committed.has(key));
    if (unknown.length > 0) {
      const stored = await this.store.state(unknown.map((key) => SERIES_PREFIX + key));
      for (const key of unknown) {
        const text = stored.get(SERIES_PREFIX + key);
        this.committed.set(key, text === undefined ? null : parseSeriesState(text));
      }
    }
    const states = new Map<string, SeriesState>();
    for (const key of keys) {
      const state = this.uncommitted.get(key)?.state ?? this.touch(key);
      if (state !== null) states.set(key, state);
    }
    this.evict();
    return states;
  }

  update(states: ReadonlyMap<string, SeriesState>): void {
    for (const [key, state] of states) this.uncommitted.set(key, { state, generation: this.generation });
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

  private touch(key: string): SeriesState | null {
    const state = this.committed.get(key) ?? null;
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
