import { parseSeriesState, printSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { TickStore } from '@k2/ports';
import { SERIES_PREFIX } from './stored-states.ts';

const REJECTED_PREFIX = 'rejected/';

/** What the rows of one owner changed, as the store keeps it; `committed` must follow once it is stored. */
export interface StateChanges {
  readonly changes: ReadonlyMap<string, string>;
  committed(): void;
}

interface Uncommitted {
  readonly owner: string;
  readonly state: SeriesState;
  isTaken: boolean;
}

interface Rejected {
  readonly owner: string;
  isTaken: boolean;
}

/**
 * Sequencer states as of the last row taken: those not yet committed, over a bounded cache of committed ones, over the
 * store. Remembers refused rows the same way, so that one refused twice is one entry. Every change has an owner, the
 * partition that its rows are of: what was taken of one partition can be forgotten, and the others go on.
 */
export class StateCache {
  private readonly store: TickStore;
  private readonly statesMax: number;
  /** In order of last use. Null: the store has none. */
  private readonly committed = new Map<string, SeriesState | null>();
  private readonly uncommitted = new Map<string, Uncommitted>();
  private readonly rejected = new Map<string, Rejected>();

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

  /** Throws RangeError if a series would go back: what it was sequenced by was not its state. */
  update(owner: string, states: ReadonlyMap<string, SeriesState>): void {
    for (const [key, state] of states) {
      const known = this.uncommitted.get(key)?.state ?? this.committed.get(key);
      if (known && isBefore(state, known)) {
        const [before, after] = [printSeriesState(known), printSeriesState(state)];
        throw new RangeError(`series ${key} would go back: its state is ${before}, and ${after} was to follow`);
      }
      this.uncommitted.set(key, { owner, state, isTaken: false });
    }
  }

  /** Those of the ids that were never refused before; from now on they were. */
  async newlyRejected(owner: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = ids.filter((id) => !this.rejected.has(id));
    const stored = await this.store.state(unknown.map((id) => REJECTED_PREFIX + id));
    const fresh = new Set(unknown.filter((id) => !stored.has(REJECTED_PREFIX + id)));
    for (const id of fresh) this.rejected.set(id, { owner, isTaken: false });
    return fresh;
  }

  /** Drops what is committed: another writer may have moved on since. */
  forgetCommitted(): void {
    this.committed.clear();
  }

  /** Drops what the rows of an owner changed: they will be taken again. Only while no commit is under way. */
  forget(owner: string): void {
    for (const [key, entry] of this.uncommitted) {
      if (entry.owner !== owner) continue;
      this.uncommitted.delete(key);
      this.committed.delete(key);
    }
    for (const [id, entry] of this.rejected) if (entry.owner === owner) this.rejected.delete(id);
  }

  /** What changed since the last call, by owner. */
  takeChanges(): ReadonlyMap<string, StateChanges> {
    const taken = new Map<string, { states: [string, Uncommitted][]; rejected: [string, Rejected][] }>();
    const of = (owner: string) => {
      let changes = taken.get(owner);
      if (changes === undefined) taken.set(owner, (changes = { states: [], rejected: [] }));
      return changes;
    };
    for (const [key, entry] of this.uncommitted) if (!entry.isTaken) of(entry.owner).states.push([key, entry]);
    for (const [id, entry] of this.rejected) if (!entry.isTaken) of(entry.owner).rejected.push([id, entry]);
    const changesOf = new Map<string, StateChanges>();
    for (const [owner, { states, rejected }] of taken) {
      const changes = new Map<string, string>();
      for (const [key, entry] of states) changes.set(SERIES_PREFIX + key, printSeriesState(entry.state));
      for (const [id] of rejected) changes.set(REJECTED_PREFIX + id, '1');
      for (const [, entry] of [...states, ...rejected]) entry.isTaken = true;
      changesOf.set(owner, { changes, committed: () => this.settle(states, rejected) });
    }
    return changesOf;
  }

  private settle(states: readonly [string, Uncommitted][], rejected: readonly [string, Rejected][]): void {
    for (const [key, entry] of states) {
      if (this.uncommitted.get(key) === entry) this.uncommitted.delete(key);
      this.committed.delete(key);
      this.committed.set(key, entry.state);
    }
    for (const [id, entry] of rejected) if (this.rejected.get(id) === entry) this.rejected.delete(id);
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
