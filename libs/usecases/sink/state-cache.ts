import { parseSeriesState, printSeriesState, type SeriesState } from '@k2/domain/sequencing';
import type { StateMove, TickStore, TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { RefusalMemory } from './refusal-memory.ts';
import type { SinkOptions } from './sink-options.ts';
import { SERIES_PREFIX, wasOf, type StateChanges } from './stored-states.ts';

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

/**
 * Sequencer states as of the last row taken: those not yet committed, over a bounded cache of committed ones, over the
 * store. Every change has an owner, the partition that its rows are of: what was taken of one partition can be forgotten,
 * and the others go on.
 */
export class StateCache {
  private readonly store: TickStore;
  private readonly statesMax: number;
  /** In order of last use, of partitions that are ours. Null: the store has none. */
  private readonly committed = new Map<string, Committed | null>();
  private readonly uncommitted = new Map<string, Uncommitted>();
  readonly refusals: RefusalMemory;
  /** What the states of the last load were in the store: what a change of them rests on. */
  private loaded = new Map<string, StateMove['was']>();

  constructor(store: TickStore, { statesMax, refusedIdsMax }: Pick<SinkOptions, 'statesMax' | 'refusedIdsMax'>) {
    this.store = store;
    this.statesMax = statesMax;
    this.refusals = new RefusalMemory(store, refusedIdsMax);
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
    this.refusals.forget(owner);
  }

  /** What changed since the last call, by owner. */
  takeChanges(): ReadonlyMap<string, StateChanges> {
    const refused = this.refusals.takeChanges();
    const untaken = [...this.uncommitted].filter(([, entry]) => !entry.isTaken);
    const statesOf = Map.groupBy(untaken, ([, entry]) => entry.owner);
    const changesOf = new Map<string, StateChanges>();
    for (const owner of new Set([...statesOf.keys(), ...refused.keys()])) {
      const states = statesOf.get(owner) ?? [];
      const changes = new Map(refused.get(owner)?.changes);
      for (const [key, entry] of states) {
        const { state, partition, was } = entry;
        changes.set(SERIES_PREFIX + key, { value: printSeriesState(state), owner: partition, was });
        entry.isTaken = true;
      }
      const committed = () => {
        refused.get(owner)?.committed();
        this.settle(states);
      };
      changesOf.set(owner, { changes, committed });
    }
    return changesOf;
  }

  private settle(states: readonly [string, Uncommitted][]): void {
    for (const [key, entry] of states) {
      if (this.uncommitted.get(key) === entry) this.uncommitted.delete(key);
      this.committed.delete(key);
      this.committed.set(key, { owner: entry.owner, state: entry.state });
    }
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

function isBefore(state: SeriesState, known: SeriesState): boolean {
  return state.generation === known.generation
    ? state.nextSequence < known.nextSequence
    : state.generation < known.generation;
}
