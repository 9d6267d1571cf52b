import { parseSeriesState, printSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { StateMove, StoredState, TickStore, TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { SERIES_PREFIX } from './stored-states.ts';

const REJECTED_PREFIX = 'rejected/';

/** What the rows of one owner changed, as the store keeps it; `committed` must follow once it is stored. */
export interface StateChanges {
  readonly changes: ReadonlyMap<string, StateMove>;
  committed(): void;
}

/** States of series as a partition finds them. */
export interface LoadedStates {
  readonly states: ReadonlyMap<string, SeriesState>;
  /** By name: the partitions that some of the states belong to, and not the one that asks. */
  readonly elsewhere: ReadonlyMap<string, TopicPartition>;
  /** Rows of one of them are taken by this sink, and not committed. */
  readonly isPendingElsewhere: boolean;
}

interface Committed {
  readonly owner: string;
  readonly state: SeriesState;
}

interface Uncommitted extends Committed {
  readonly partition: TopicPartition;
  readonly was: StateMove['was'];
  isTaken: boolean;
}

interface Rejected {
  readonly owner: string;
  readonly partition: TopicPartition;
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
  /** In order of last use, of partitions that are ours. Null: the store has none. */
  private readonly committed = new Map<string, Committed | null>();
  private readonly uncommitted = new Map<string, Uncommitted>();
  private readonly rejected = new Map<string, Rejected>();
  /** What the states of the last load were in the store: what a change of them rests on. */
  private loaded = new Map<string, StateMove['was']>();

  constructor(store: TickStore, statesMax: number) {
    this.store = store;
    this.statesMax = statesMax;
  }

  /**
   * The states of these keys that exist. What is known is taken before the store is asked: a commit that lands while the
   * store answers may evict it, and a series whose state was lost would begin anew. A state of another partition is asked
   * for each time: its writer may be another sink.
   */
  async load(partition: TopicPartition, keys: readonly string[]): Promise<LoadedStates> {
    const owner = partitionName(partition);
    const states = new Map<string, SeriesState>();
    const elsewhere = new Map<string, TopicPartition>();
    const loaded = new Map<string, StateMove['was']>();
    const unknown: string[] = [];
    let isPendingElsewhere = false;
    for (const key of keys) {
      const pending = this.uncommitted.get(key);
      if (pending !== undefined && pending.owner !== owner) {
        elsewhere.set(pending.owner, pending.partition);
        isPendingElsewhere = true;
      }
      const known = pending ?? this.touched(key, owner);
      loaded.set(key, known === null ? 'absent' : 'own');
      if (known === undefined) unknown.push(key);
      else if (known !== null) states.set(key, known.state);
    }
    if (unknown.length > 0) {
      const stored = await this.store.state(unknown.map((key) => SERIES_PREFIX + key));
      for (const key of unknown) {
        const found = stored.get(SERIES_PREFIX + key);
        const state = found === undefined ? null : parseSeriesState(found.value);
        if (state !== null) states.set(key, state);
        const was = wasOf(found, owner);
        loaded.set(key, was);
        if (typeof was === 'string') this.committed.set(key, state === null ? null : { owner, state });
        else if (was.owner !== null) elsewhere.set(partitionName(was.owner), was.owner);
      }
    }
    this.loaded = loaded;
    this.evict();
    return { states, elsewhere, isPendingElsewhere };
  }

  /** Throws RangeError if a series was not loaded before, or would go back: what it was sequenced by was not its state. */
  update(partition: TopicPartition, states: ReadonlyMap<string, SeriesState>): void {
    const owner = partitionName(partition);
    for (const [key, state] of states) {
      const loaded = this.loaded.get(key);
      if (loaded === undefined) throw new RangeError(`series ${key} would be changed, and its state was not loaded`);
      const pending = this.uncommitted.get(key);
      const known = pending ?? this.committed.get(key);
      if (pending !== undefined && pending.owner !== owner)
        throw new RangeError(`series ${key} would go to ${owner} while rows of ${pending.owner} are not committed`);
      if (known && isBefore(state, known.state)) {
        const [before, after] = [printSeriesState(known.state), printSeriesState(state)];
        throw new RangeError(`series ${key} would go back: its state is ${before}, and ${after} was to follow`);
      }
      const was = pending === undefined ? loaded : pending.isTaken ? 'own' : pending.was;
      this.uncommitted.set(key, { owner, partition, state, was, isTaken: false });
    }
  }

  /** Those of the ids that were never refused before; from now on they were. */
  async newlyRejected(partition: TopicPartition, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = ids.filter((id) => !this.rejected.has(id));
    const stored = await this.store.state(unknown.map((id) => REJECTED_PREFIX + id));
    const fresh = new Set(unknown.filter((id) => !stored.has(REJECTED_PREFIX + id)));
    const owner = partitionName(partition);
    for (const id of fresh) this.rejected.set(id, { owner, partition, isTaken: false });
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
      const changes = new Map<string, StateMove>();
      for (const [key, { state, partition, was }] of states)
        changes.set(SERIES_PREFIX + key, { value: printSeriesState(state), owner: partition, was });
      for (const [id, { partition }] of rejected)
        changes.set(REJECTED_PREFIX + id, { value: '1', owner: partition, was: 'absent' });
      for (const [, entry] of [...states, ...rejected]) entry.isTaken = true;
      changesOf.set(owner, { changes, committed: () => this.settle(states, rejected) });
    }
    return changesOf;
  }

  private settle(states: readonly [string, Uncommitted][], rejected: readonly [string, Rejected][]): void {
    for (const [key, entry] of states) {
      if (this.uncommitted.get(key) === entry) this.uncommitted.delete(key);
      this.committed.delete(key);
      this.committed.set(key, { owner: entry.owner, state: entry.state });
    }
    for (const [id, entry] of rejected) if (this.rejected.get(id) === entry) this.rejected.delete(id);
    this.evict();
  }

  /** Null: the store has none. Undefined: the store must be asked. */
  private touched(key: string, owner: string): Committed | null | undefined {
    const known = this.committed.get(key);
    if (known === undefined || (known !== null && known.owner !== owner)) return undefined;
    this.committed.delete(key);
    this.committed.set(key, known);
    return known;
  }

  private evict(): void {
    for (const key of this.committed.keys()) {
      if (this.committed.size <= this.statesMax) return;
      this.committed.delete(key);
    }
  }
}

function wasOf(stored: StoredState | undefined, owner: string): StateMove['was'] {
  if (stored === undefined) return 'absent';
  return stored.owner !== null && partitionName(stored.owner) === owner ? 'own' : stored;
}

function isBefore(state: SeriesState, known: SeriesState): boolean {
  return state.generation === known.generation
    ? state.nextSequence < known.nextSequence
    : state.generation < known.generation;
}
