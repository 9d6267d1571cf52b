import type { CatalogChange, StoredState } from '@k2/ports';
import { assertOwnersMove, assertStateIsAsRead } from '@k2/ports/in-process';

/** The states beside the progress, each with the partition that it belongs to. */
export class MemoryStates {
  private readonly states = new Map<string, StoredState>();

  of(keys: readonly string[]): ReadonlyMap<string, StoredState> {
    const found = new Map<string, StoredState>();
    for (const key of keys) {
      const state = this.states.get(key);
      if (state !== undefined) found.set(key, state);
    }
    return found;
  }

  /** Throws what stands in the way of `move`. */
  check(change: Pick<CatalogChange, 'progress' | 'state'>): void {
    assertOwnersMove(change);
    for (const [key, move] of change.state) assertStateIsAsRead(key, move, this.states.get(key));
  }

  move(state: CatalogChange['state']): void {
    for (const [
      key,
      {
        value,
        owner: { topic, partition },
      },
    ] of state) {
      if (value === null) this.states.delete(key);
      else this.states.set(key, { value, owner: { topic, partition } });
    }
  }
}
