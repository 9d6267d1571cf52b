import { selectPlaced, type PlacedBatch } from '@k2/domain/market';
import type { TickStore } from '@k2/ports';

/**
 * Of each partition one row that could be written. If none of its next rows can be, and that one still can, the fault is
 * in the rows; if that one cannot be written any more either, it is in whatever writes them.
 */
export class ProvenRows {
  private readonly store: TickStore;
  /** By partition name. */
  private readonly rows = new Map<string, PlacedBatch>();

  constructor(store: TickStore) {
    this.store = store;
  }

  /** To be told of what was staged. */
  add(name: string, row: PlacedBatch | null): void {
    if (row !== null) this.rows.set(name, row);
  }

  /** Null if it is not known: nothing of the partition was written yet. */
  async canStillBeWritten(name: string, isAboutRows: (error: unknown) => boolean): Promise<boolean | null> {
    const row = this.rows.get(name);
    if (row === undefined) return null;
    try {
      const staged = await this.store.stage({ ticks: [firstRow([row])!], gaps: [], sessions: [], quarantine: [] });
      // Files that are left are garbage, which maintenance removes.
      await this.store.discard(staged).catch(() => undefined);
      return true;
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      return false;
    }
  }
}

/** A copy: the store takes the memory over of what it is given. Null if there is none. */
export function firstRow(ticks: readonly PlacedBatch[]): PlacedBatch | null {
  const placed = ticks.at(0);
  if (placed === undefined) return null;
  return selectPlaced(placed, Uint32Array.of(0));
}
