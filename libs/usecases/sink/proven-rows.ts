import { selectPlaced, type PlacedBatch } from '@k2/domain/market';
import { isPortError, type LogRecord, type TickLog, type TickStore } from '@k2/ports';
import { rowPositions } from './row-positions.ts';
import type { TakenRows } from './taken-rows.ts';

/** How long the log may take to say what comes next of a partition: the others wait. */
const NEXT_WAIT_MS = 100;
/** Rows behind those that can't be written of which one is looked for that can be. */
const NEXT_ROWS_MAX = 16;

/**
 * Of each partition one row that could be written, or else one that comes after those at fault. If none of its next rows
 * can be, and that one can, the fault is in the rows; if that one can't be written either, it is in whatever writes them.
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

  /** Null if it is not known: nothing of the partition was written yet, and nothing behind these rows can be. */
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

  /** None if the log does not answer: they are only looked at. */
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
