import type { Clock, PartitionOffsets, Telemetry } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';

export interface Lag {
  /** Log records not yet committed. */
  readonly offsets: number;
  /**
   * How long the oldest of them has been in the log, ms, as far as it was read. Null if that is not known: none was read
   * yet, or the log does not say when it took them.
   */
  readonly ms: number | null;
}

interface PartitionLag {
  endOffset: number;
  committedOffset: number;
  /** When the first record was appended that was taken and is not being committed; null: none, or not known. */
  takenUs: number | null;
  /** The same of what is being committed. */
  committingUs: number | null;
  /** Of the newest record read; null: none, or not known. */
  lastAppendedUs: number | null;
}

/** How far the store is behind the log, by partition. */
export class SinkLag {
  private readonly clock: Clock;
  private readonly partitions = new Map<string, PartitionLag>();

  constructor(clock: Clock, telemetry: Telemetry) {
    this.clock = clock;
    const each = (read: (lag: Lag) => number | null) => () =>
      Array.from(this.partitions).flatMap(([partition, lag]) => {
        const value = read(this.of(lag));
        return value === null ? [] : [[value, { partition }] as const];
      });
    telemetry.gauge(
      'k2_sink_lag_offsets',
      'Log records not yet committed.',
      each(({ offsets }) => offsets),
    );
    telemetry.gauge(
      'k2_sink_lag_ms',
      'Age of the oldest record not yet committed; absent while it is not known.',
      each(({ ms }) => ms),
    );
  }

  /** The worst that is known of all partitions in ms, and their sum in offsets. */
  get total(): Lag {
    const all = Array.from(this.partitions.values(), (partition) => this.of(partition));
    const worst = all.reduce((most, { ms }) => Math.max(most, ms ?? 0), 0);
    return {
      offsets: all.reduce((sum, { offsets }) => sum + offsets, 0),
      ms: worst === 0 && all.some(({ ms }) => ms === null) ? null : worst,
    };
  }

  /** From now on the partition is ours. */
  claimed(name: string, committedOffset: number): void {
    this.partitions.set(name, {
      endOffset: committedOffset,
      committedOffset,
      takenUs: null,
      committingUs: null,
      lastAppendedUs: null,
    });
  }

  /** What was taken of it and not committed is read again. */
  rewound(name: string): void {
    const partition = this.partitions.get(name);
    if (partition === undefined) return;
    partition.takenUs = partition.committingUs ?? partition.takenUs;
    partition.committingUs = null;
  }

  released(name: string): void {
    this.partitions.delete(name);
  }

  clear(): void {
    this.partitions.clear();
  }

  taken(name: string, appendedUs: number | null): void {
    const partition = this.partitions.get(name);
    if (partition === undefined) return;
    partition.takenUs ??= appendedUs;
    partition.lastAppendedUs = appendedUs;
  }

  /** What was taken of it so far is on its way into the store. */
  committing(name: string): void {
    const partition = this.partitions.get(name);
    if (partition === undefined) return;
    partition.committingUs = partition.takenUs;
    partition.takenUs = null;
  }

  committed(name: string, nextOffset: number): void {
    const partition = this.partitions.get(name);
    if (partition === undefined) return;
    partition.committedOffset = nextOffset;
    partition.committingUs = null;
  }

  ends(offsets: readonly PartitionOffsets[]): void {
    for (const at of offsets) {
      const partition = this.partitions.get(partitionName(at));
      if (partition !== undefined) partition.endOffset = at.endOffset;
    }
  }

  private of({ endOffset, committedOffset, takenUs, committingUs, lastAppendedUs }: PartitionLag): Lag {
    const offsets = Math.max(0, endOffset - committedOffset);
    const sinceUs = committingUs ?? takenUs ?? (offsets > 0 ? lastAppendedUs : null);
    if (sinceUs === null) return { offsets, ms: offsets > 0 ? null : 0 };
    return { offsets, ms: Math.max(0, (this.clock.nowUs() - sinceUs) / 1_000) };
  }
}
