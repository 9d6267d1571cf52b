import { selectPlaced, type PlacedBatch } from '@k2/domain/market';
import type { Clock, StagedRows, TickStore } from '@k2/ports';
import { GapNotes } from './gap-notes.ts';
import type { ProvenRows } from './proven-rows.ts';
import { refusedTick } from './refused-tick.ts';
import { plannedRows, type TakenRows } from './taken-rows.ts';

/** Stagings tried to find the ticks that can't be written; where that is not enough, it is no matter of a few ticks. */
const TRIALS_MAX = 256;

/**
 * Stages what was taken of a partition; ticks that the store can't write go to the quarantine instead, with their values,
 * and their numbers count as missing. They are found by halves: a tick is at fault if it fails alone while other rows of
 * the partition (the rest, one written before, or one that follows) can be written. Throws what staging throws if that
 * finds none.
 */
export async function stageWithoutPoison(
  { store, clock }: { readonly store: TickStore; readonly clock: Clock },
  taken: TakenRows,
  proven: ProvenRows,
  isAboutRows: (error: unknown) => boolean,
): Promise<{ readonly staged: StagedRows; readonly poisonRows: number }> {
  const stage = () => store.stage({ ...plannedRows([taken]), ticks: copied(taken.ticks) });
  try {
    return { staged: await stage(), poisonRows: 0 };
  } catch (error) {
    if (!isAboutRows(error)) throw error;
    const trials = new Trials(store, taken.ticks, isAboutRows);
    const poison = await trials.poison();
    if (poison.size === 0) throw error;
    if (poison.size === trials.rowCount) {
      const isStoreWell = await proven.canOthersBeWritten(taken, isAboutRows);
      if (!(isStoreWell ?? poison.size === 1)) throw error;
    }
    quarantine(taken, poison, clock.nowUs());
    return { staged: await stage(), poisonRows: poison.size };
  }
}

/** The store takes the columns' memory over: it is given copies, so that the rows are still there to be tried again. */
function copied(ticks: readonly PlacedBatch[]): readonly PlacedBatch[] {
  return ticks.map((placed) => selected(placed, (row) => row >= 0));
}

function selected(placed: PlacedBatch, isWanted: (row: number) => boolean): PlacedBatch {
  return selectPlaced(placed, Uint32Array.from(placed.batch.seriesCode.keys()).filter(isWanted));
}

/** Rows by what staging them alone comes to. A row's number counts through all batches. */
class Trials {
  readonly rowCount: number;
  private readonly store: TickStore;
  private readonly ticks: readonly PlacedBatch[];
  private readonly isAboutRows: (error: unknown) => boolean;
  private left = TRIALS_MAX;

  constructor(store: TickStore, ticks: readonly PlacedBatch[], isAboutRows: (error: unknown) => boolean) {
    this.store = store;
    this.ticks = ticks;
    this.isAboutRows = isAboutRows;
    this.rowCount = ticks.reduce((sum, { batch }) => sum + batch.rowCount, 0);
  }

  /** With what the store said of each. */
  async poison(): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    const suspects: (readonly [from: number, to: number])[] = [[0, this.rowCount]];
    for (let range = suspects.pop(); range !== undefined; range = suspects.pop()) {
      const [from, to] = range;
      if (from === to) continue;
      const error = await this.trial(from, to);
      if (error === null) continue;
      const middle = Math.floor((from + to) / 2);
      if (to - from === 1) found.set(from, error instanceof Error ? error.message : String(error));
      else suspects.push([middle, to], [from, middle]);
    }
    return found;
  }

  /** Null: these rows can be written. */
  private async trial(from: number, to: number): Promise<unknown> {
    let staged: StagedRows;
    const ticks = this.slice(from, to);
    try {
      staged = await this.store.stage({ ticks, gaps: [], sessions: [], quarantine: [] });
    } catch (error) {
      if (!this.isAboutRows(error) || --this.left < 0) throw error;
      return error;
    }
    // Files that are left are garbage, which maintenance removes.
    await this.store.discard(staged).catch(() => undefined);
    return null;
  }

  private slice(from: number, to: number): readonly PlacedBatch[] {
    const parts: PlacedBatch[] = [];
    let first = 0;
    for (const placed of this.ticks) {
      const start = first;
      first += placed.batch.rowCount;
      if (start >= to || first <= from) continue;
      parts.push(selected(placed, (row) => start + row >= from && start + row < to));
    }
    return parts;
  }
}

/** Moves rows to the quarantine; each number that they took is noted as missing. */
function quarantine(taken: TakenRows, poison: ReadonlyMap<number, string>, nowUs: number): void {
  const gaps = new GapNotes(taken.gaps);
  const kept: PlacedBatch[] = [];
  let first = 0;
  for (const placed of taken.ticks) {
    const start = first;
    const { rowCount } = placed.batch;
    first += rowCount;
    for (let row = 0; row < rowCount; row++) {
      const error = poison.get(start + row);
      if (error === undefined) continue;
      const detail = `the tables cannot hold the tick: ${error}`;
      taken.refuse(refusedTick(placed, row, { reason: 'unstorable', detail }, nowUs));
      taken.counts.kept--;
      gaps.refused(placed.batch, row, placed.platformSequence[row]);
    }
    const rest = selected(placed, (row) => !poison.has(start + row));
    if (rest.batch.rowCount > 0) kept.push(rest);
  }
  taken.ticks = kept;
  taken.counts.gaps += gaps.records.length - taken.gaps.length;
  taken.gaps = [...gaps.records];
}
