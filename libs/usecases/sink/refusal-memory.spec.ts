import { describe, expect, it } from '@jest/globals';
import type { StateMove, StoredState, TickStore } from '@k2/ports';
import { RefusalMemory } from './refusal-memory.ts';

const P = { topic: 'p', partition: 0 };

/** States as commits leave them; an answer is of the moment when it was asked for. */
class States {
  readonly stored = new Map<string, StoredState>();
  private gate: Promise<void> | null = null;
  open: () => void = () => undefined;

  readonly store = {
    state: async (keys: readonly string[]) => {
      const found = new Map(
        keys.flatMap((key) => (this.stored.has(key) ? [[key, this.stored.get(key)!] as const] : [])),
      );
      await this.gate;
      return found;
    },
  } as unknown as TickStore;

  hold(): void {
    this.gate = new Promise((resolve) => (this.open = resolve));
  }

  commit(memory: RefusalMemory): void {
    for (const { changes, committed } of memory.takeChanges().values()) {
      for (const [key, move] of changes) this.move(key, move);
      committed();
    }
  }

  /** As the catalog: a move that rests on another state than the stored one is refused. */
  private move(key: string, { value, owner, was }: StateMove): void {
    if (value === null) throw new Error(`${key} would be removed`);
    if ((was === 'absent') === this.stored.has(key)) throw new Error(`${key}: the move rests on ${String(was)}`);
    this.stored.set(key, { value, owner });
  }
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `id-${from + at}`);

describe('the memory of refusals', () => {
  it('sink.refused-twice: knows what was refused before, committed or not, by this sink or the one before', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 65_536);
    expect(await memory.add(P, ['a', 'b', 'a'])).toEqual(new Set(['a', 'b']));
    expect(await memory.add(P, ['b', 'c'])).toEqual(new Set(['c']));
    states.commit(memory);
    expect(await memory.add(P, ['a', 'c', 'd'])).toEqual(new Set(['d']));
    states.commit(memory);
    expect(await new RefusalMemory(states.store, 65_536).add(P, ['a', 'b', 'c', 'd', 'e'])).toEqual(new Set(['e']));
  });

  it('is bounded: however much is refused, a partition has so many states, and its last refusals are known', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 4_096);
    for (let from = 0; from < 40_000; from += 2_000) {
      await memory.add(P, ids(from, from + 2_000));
      states.commit(memory);
    }
    expect(states.stored.size).toBe(1_024);
    for (const { value } of states.stored.values())
      expect((JSON.parse(value) as string[]).length).toBeLessThanOrEqual(4);
    expect((await memory.add(P, ids(39_900, 40_000))).size).toBe(0);
    expect((await memory.add(P, ids(0, 100))).size).toBe(100);
  });

  it('takes back what the rows of a partition added when they are forgotten, and nothing else', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 65_536);
    await memory.add(P, ['a']);
    await memory.add({ topic: 'q', partition: 0 }, ['a']);
    memory.forget('p/0');
    expect([...memory.takeChanges().keys()]).toEqual(['q/0']);
    expect(await memory.add(P, ['a'])).toEqual(new Set(['a']));
  });

  it('knows what a commit has stored that landed while the store answered', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 1_024);
    await memory.add(P, ['a']);
    states.hold();
    const later = memory.add(P, ['a', 'b']);
    states.commit(memory);
    states.open();
    expect(await later).toEqual(new Set(['b']));
    states.commit(memory);
    expect((await memory.add(P, ['b'])).size).toBe(0);
  });

  it('quarantines again what was forgotten while the store answered, as the store does not have it', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 1_024);
    await memory.add(P, ['a']);
    states.hold();
    const later = memory.add(P, ['a']);
    memory.forget('p/0');
    states.open();
    expect(await later).toEqual(new Set(['a']));
    states.commit(memory);
  });

  it('knows in a new partition of a grown topic what the partitions before refused', async () => {
    const states = new States();
    const memory = new RefusalMemory(states.store, 65_536);
    await memory.add(P, ['a']);
    states.commit(memory);
    expect(await memory.add({ ...P, partition: 3 }, ['a', 'b'])).toEqual(new Set(['b']));
  });
});
