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
  /** When the first record was appended that was taken and is not being committed; null: none. */
  takenUs: number | null;
  /** The same of what is being committed. */
  committingUs: number | null;
  /** Of the newest record read. */
  lastAppendedUs: number | null;
}

/** How far the store is behind the log, by partition. */
export class SinkLag {
  private readonly clock: Clock;
  private readonly partitions = new Map<string, PartitionLag>();

  constructor(clock: Clock, telemetry: Telemetry) {
    this.clock = clock;
    const each = (read: (lag: Lag) => number) => () =>
      Array.from(this.partitions, ([partition, lag]) => [read(this.of(lag)), { partition }] as const);
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
    for (const partition of this.partitions.values()) {
      const lag = this.of(partition);
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

  taken(name: string, appendedUs: number): void {
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
    return { offsets, ms: sinceUs === null ? 0 : Math.max(0, (this.clock.nowUs() - sinceUs) / 1_000) };
  }
}
