import type { Clock, PartitionOffsets, Telemetry } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

export interface Lag {
  /** Log records not yet committed. */
  readonly offsets: number;
  /** How long the oldest of them has been in the log, ms, as far as it was read. */
  readonly ms: number;
}

interface PartitionLag {
  endOffset: number;
  committedOffset: number;
  /** When the first record was appended that was taken and is of no flush; null: none. */
  takenUs: number | null;
  /** Of the newest record read. */
  lastAppendedUs: number | null;
}

/** How far the store is behind the log, by partition. */
export class SinkLag {
  private readonly clock: Clock;
  private readonly partitions = new Map<string, PartitionLag>();
  /** Of each flush on its way into the store, oldest first: when its first record of a partition was appended. */
  private flushes: ReadonlyMap<string, number>[] = [];

  constructor(clock: Clock, telemetry: Telemetry) {
    this.clock = clock;
    const each = (read: (lag: Lag) => number) => () =>
      Array.from(this.partitions, ([partition, lag]) => [read(this.of(partition, lag)), { partition }] as const);
    telemetry.gauge(
      'k2_sink_lag_offsets',
      'Log records not yet committed.',
      each(({ offsets }) => offsets),
    );
    telemetry.gauge(
      'k2_sink_lag_ms',
      'Age of the oldest record not yet committed.',
      each(({ ms }) => ms),
    );
  }

  /** The worst of all partitions in ms, and their sum in offsets. */
  get total(): Lag {
    let offsets = 0;
    let ms = 0;
    for (const [name, partition] of this.partitions) {
      const lag = this.of(name, partition);
      offsets += lag.offsets;
      ms = Math.max(ms, lag.ms);
    }
    return { offsets, ms };
  }

  /** From now on the partition is ours. */
  claimed(name: string, committedOffset: number): void {
    this.partitions.set(name, {
      endOffset: committedOffset,
      committedOffset,
      takenUs: null,
      lastAppendedUs: null,
    });
  }

  released(name: string): void {
    this.partitions.delete(name);
  }

  clear(): void {
    this.partitions.clear();
    this.flushes = [];
  }

  taken(name: string, appendedUs: number): void {
    const partition = this.partitions.get(name);
    if (partition === undefined) return;
    partition.takenUs ??= appendedUs;
    partition.lastAppendedUs = appendedUs;
  }

  /** What was taken since the last call is on its way into the store. */
  flushed(): void {
    const flush = new Map<string, number>();
    for (const [name, partition] of this.partitions) {
      if (partition.takenUs !== null) flush.set(name, partition.takenUs);
      partition.takenUs = null;
    }
    this.flushes.push(flush);
  }

  /** The oldest flush is in the store. */
  committed(nextOffsets: ReadonlyMap<string, number>): void {
    this.flushes.shift();
    for (const [name, nextOffset] of nextOffsets) {
      const partition = this.partitions.get(name);
      if (partition !== undefined) partition.committedOffset = nextOffset;
    }
  }

  ends(offsets: readonly PartitionOffsets[]): void {
    for (const at of offsets) {
      const partition = this.partitions.get(partitionName(at));
      if (partition !== undefined) partition.endOffset = at.endOffset;
    }
  }

  private of(name: string, { endOffset, committedOffset, takenUs, lastAppendedUs }: PartitionLag): Lag {
    const offsets = Math.max(0, endOffset - committedOffset);
    const flushedUs = this.flushes.find((flush) => flush.has(name))?.get(name);
    const sinceUs = flushedUs ?? takenUs ?? (offsets > 0 ? lastAppendedUs : null);
    return { offsets, ms: sinceUs === null ? 0 : Math.max(0, (this.clock.nowUs() - sinceUs) / 1_000) };
  }
}
