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
  /**
   * Ids of refused rows that each partition remembers, about: what comes again after so many others is in the quarantine
   * twice.
   */
  readonly refusedIdsMax: number;
  /** First wait after a failed commit; doubles up to `retryDelayMsMax`. */
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
  /** How long a commit is tried again and again before the sink starts over, … */
  readonly commitRetryMs: number;
  /** … and how long from the moment that the sink is told to stop. */
  readonly stopRetryMs: number;
  /** How long a partition rests after a fault of its own before it is tried again; doubles up to `pauseMsMax`. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /**
   * How long a partition that series came to waits for the one they came from, if nothing of that one is committed
   * meanwhile.
   */
  readonly moveWaitMs: number;
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
  refusedIdsMax: 65_536,
  retryDelayMs: 100,
  retryDelayMsMax: 10_000,
  commitRetryMs: 60_000,
  stopRetryMs: 5_000,
  pauseMs: 60_000,
  pauseMsMax: 3_600_000,
  moveWaitMs: 60_000,
  sequencing: SEQUENCING_LIMITS,
};
