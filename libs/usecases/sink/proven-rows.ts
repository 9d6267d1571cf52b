import { selectPlaced, type PlacedBatch } from '@k2/domain/market';
import { isPortError, type LogRecord, type TickLog, type TickStore } from '@k2/ports';
import { rowPositions } from './row-positions.ts';
import type { TakenRows } from './taken-rows.ts';

/** How long to wait for the next records of a partition; commits of the other partitions wait meanwhile. */
const NEXT_WAIT_MS = 100;
/** How many of the rows that follow are tried. */
const NEXT_ROWS_MAX = 16;

/**
 * Tells faulty rows from a faulty store. For each partition it keeps one row that could be written. If new rows can't be
 * written and that one still can, the rows are at fault; if that one can't either, the store is. Where no row has been
 * written yet, the rows that follow in the log are tried instead.
 */
export class ProvenRows {
  private readonly ports: { readonly log: TickLog; readonly store: TickStore };
  private readonly options: { readonly readBytesMax: number };
  private readonly stop: AbortSignal;
  /** By partition name. */
  private readonly rows = new Map<string, PlacedBatch>();

  constructor(ports: ProvenRows['ports'], options: ProvenRows['options'], stop: AbortSignal) {
    this.ports = ports;
    this.options = options;
    this.stop = stop;
  }

  /** To be told of what was staged. */
  add(name: string, row: PlacedBatch | null): void {
    if (row !== null) this.rows.set(name, row);
  }

  /** Null if unknown: no row of the partition has been written yet, and none of those that follow can be. */
  async canOthersBeWritten(taken: TakenRows, isAboutRows: (error: unknown) => boolean): Promise<boolean | null> {
    const row = this.rows.get(taken.name);
    if (row !== undefined) return this.canBeWritten(row, isAboutRows);
    for (const next of await this.nextRows(taken)) {
      if (!(await this.canBeWritten(next, isAboutRows))) continue;
      this.add(taken.name, next);
      return true;
    }
    return null;
  }

  private async canBeWritten(row: PlacedBatch, isAboutRows: (error: unknown) => boolean): Promise<boolean> {
    const { store } = this.ports;
    try {
      const staged = await store.stage({ ticks: [rowAt(row, 0)], gaps: [], sessions: [], quarantine: [] });
      // Files that are left are garbage, which maintenance removes.
      await store.discard(staged).catch(() => undefined);
      return true;
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      return false;
    }
  }

  /** The first rows after those taken; none if the log can't be read now. They are only tried, not taken. */
  private async nextRows({ topicPartition, nextOffset }: TakenRows): Promise<readonly PlacedBatch[]> {
    const positions = [{ ...topicPartition, nextOffset }];
    const request = { positions, bytesMax: this.options.readBytesMax, waitMs: NEXT_WAIT_MS };
    let records: readonly LogRecord[];
    try {
      records = await this.ports.log.read(request, this.stop);
    } catch (error) {
      if (!isPortError(error)) throw error;
      return [];
    }
    const rows: PlacedBatch[] = [];
    for (const record of records) {
      if (rows.length === NEXT_ROWS_MAX) break;
      if (record.payload.kind !== 'ticks') continue;
      const { batch } = record.payload;
      const placed = { batch, platformSequence: rowPositions(record, batch.rowCount) };
      for (let row = 0; row < batch.rowCount && rows.length < NEXT_ROWS_MAX; row++) rows.push(rowAt(placed, row));
    }
    return rows;
  }
}

/** Null if there is none. */
export function firstRow(ticks: readonly PlacedBatch[]): PlacedBatch | null {
  const placed = ticks.at(0);
  return placed === undefined ? null : rowAt(placed, 0);
}

/** A copy: the store takes the memory over of what it is given. */
function rowAt(placed: PlacedBatch, row: number): PlacedBatch {
  return selectPlaced(placed, Uint32Array.of(row));
}
