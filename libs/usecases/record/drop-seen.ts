import { selectRows, seriesName, type TickBatch } from '@k2/domain/market';
import { isPortError, type Counter, type DedupStore, type Telemetry } from '@k2/ports';

/** A batch less what somebody has recorded already. */
export interface UnseenTicks {
  /** Null where every tick was seen. */
  readonly batch: TickBatch | null;
  readonly droppedTicks: number;
  /** To be called once the log has acknowledged the batch: what is remembered earlier is lost in a crash. Never rejects. */
  remember(): Promise<void>;
}

/**
 * Drops ticks that another process, on a redundant line of the same venue, has recorded already. It saves log and sink
 * their work and nothing depends on it: two processes may both take a tick for unseen, and sequencing drops the second.
 * So a store that is away makes every tick unseen. Ticks that K2 numbers itself are never dropped: each line numbers its
 * own, and one number is not one tick.
 */
export class DropSeen {
  private readonly store: DedupStore;
  private readonly telemetry: Telemetry;
  private readonly dropped: Counter;
  private readonly unavailable: Counter;
  private isAway = false;

  constructor(store: DedupStore, telemetry: Telemetry) {
    this.store = store;
    this.telemetry = telemetry;
    this.dropped = telemetry.counter('k2_dedup_dropped_ticks', 'Ticks not recorded: another process had done it.');
    this.unavailable = telemetry.counter('k2_dedup_unavailable', 'Calls that the dedup store did not answer.');
  }

  /** `scope` tells logs apart: what one has is not in another. */
  async dropSeen(batch: TickBatch, scope: string): Promise<UnseenTicks> {
    const { ids, rows } = identified(batch, scope);
    const seen = await this.answered(() => this.store.seen(ids));
    if (seen === null || !seen.includes(1)) return this.unseen(batch, 0, ids);

    const isSeen = new Uint8Array(batch.rowCount);
    for (let i = 0; i < rows.length; i++) isSeen[rows[i]] = seen[i];
    const kept = new Uint32Array(batch.rowCount);
    let count = 0;
    for (let row = 0; row < batch.rowCount; row++) if (isSeen[row] === 0) kept[count++] = row;

    const droppedTicks = batch.rowCount - count;
    this.dropped.add(droppedTicks);
    const left = count === 0 ? null : selectRows(batch, kept.subarray(0, count));
    const leftIds = ids.filter((_, i) => seen[i] === 0);
    return this.unseen(left, droppedTicks, leftIds);
  }

  private unseen(batch: TickBatch | null, droppedTicks: number, ids: readonly string[]): UnseenTicks {
    const remember = async () => {
      if (ids.length > 0) await this.answered(() => this.store.remember(ids));
    };
    return { batch, droppedTicks, remember };
  }

  private async answered<Result>(ask: () => Promise<Result>): Promise<Result | null> {
    try {
      const result = await ask();
      this.isAway = false;
      return result;
    } catch (error) {
      if (!isPortError(error, 'unavailable', 'closed')) throw error;
      this.unavailable.add(1);
      if (!this.isAway)
        this.telemetry.log('warn', 'the dedup store is away; nothing counts as seen', { error: error.message });
      this.isAway = true;
      return null;
    }
  }
}

/** `scope/trades/exchange/symbol/session/sequence` of the rows that the venue numbered. */
function identified({ recordType, series, seriesCode, venueSequence, rowCount }: TickBatch, scope: string) {
  const names = series.map((of) =>
    of.sequenceOrigin === 'venue' ? `${scope}/${recordType}/${seriesName(of)}/` : null,
  );
  const ids: string[] = [];
  const rows: number[] = [];
  for (let row = 0; row < rowCount; row++) {
    const name = names[seriesCode[row]];
    if (name === null) continue;
    ids.push(name + venueSequence[row]);
    rows.push(row);
  }
  return { ids, rows };
}
