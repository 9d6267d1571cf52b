import { SEQUENCING_LIMITS, type SequencingLimits } from '@k2/domain/sequencing';

export interface SinkOptions {
  /** Group under which sinks share the partitions. */
  readonly group: string;
  /** Name of this writer, in claims and logs. */
  readonly writer: string;
  /** A commit is due at this many rows, … */
  readonly flushRowsMax: number;
  /** … this many bytes of log records, … */
  readonly flushBytesMax: number;
  /** … or this long after its first row, whichever is first. */
  readonly flushIntervalMs: number;
  /** Bytes of log records in one read. */
  readonly readBytesMax: number;
  /** How long a sink that has caught up leaves records in the log, to take several together. */
  readonly gatherMs: number;
  /** How often new topics are looked for. */
  readonly discoverIntervalMs: number;
  /** Sequencer states kept in memory; at the bound the least recently used are dropped, to be read again. */
  readonly statesMax: number;
  /** First wait after a failed commit; doubles up to `retryDelayMsMax`. */
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
  readonly sequencing: SequencingLimits;
}

export const SINK_OPTIONS: SinkOptions = {
  group: 'k2-sink',
  writer: 'sink',
  flushRowsMax: 1_000_000,
  flushBytesMax: 64 * 1_024 * 1_024,
  flushIntervalMs: 2_000,
  readBytesMax: 4 * 1_024 * 1_024,
  gatherMs: 20,
  discoverIntervalMs: 500,
  statesMax: 100_000,
  retryDelayMs: 100,
  retryDelayMsMax: 10_000,
  sequencing: SEQUENCING_LIMITS,
};
