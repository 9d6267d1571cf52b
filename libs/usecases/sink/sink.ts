import { isPortError, type TopicPartition } from '@k2/ports';
import { Backoff } from '../backoff.ts';
import type { PipelinePorts } from './commit-pipeline.ts';
import { PausedPartitions, type PausedPartition } from './paused-partitions.ts';
import { SinkLag, type Lag } from './sink-lag.ts';
import { SinkLoop } from './sink-loop.ts';
import { SINK_OPTIONS, type SinkOptions } from './sink-options.ts';
import { SinkTotals, type SinkFailing } from './sink-totals.ts';
import type { IntakeCounts } from './taken-rows.ts';

export type SinkPorts = PipelinePorts;

export interface SinkStatus {
  readonly state: 'waiting' | 'running' | 'draining' | 'stopped' | 'failed';
  /** Partitions that are read. */
  readonly partitions: number;
  /** Partitions of this sink that are not: each for a fault of its own. */
  readonly paused: readonly PausedPartition[];
  /** Of what is committed. */
  readonly counts: Readonly<IntakeCounts>;
  readonly commits: number;
  readonly committedRows: number;
  readonly lastCommitUs: number | null;
  readonly lag: Lag;
  /** What keeps the sink as a whole from going on; null while nothing does. */
  readonly error: Error | null;
  /** That it does not get on, beyond a first retry; null while it does. */
  readonly failing: SinkFailing | null;
}

/**
 * A sink that was frozen or cut off is fenced once, and joins again. One that is fenced this often without a commit in
 * between shares its partitions with a sink of another group.
 */
const FENCED_TIMES_MAX = 5;

/**
 * Carries the log into the store, exactly once.
 *
 * - Rows, sequencer states and progress are one commit: what is in the tables and what is known to be in them cannot
 *   differ. A commit rests on a claim, which the claim of a later owner of the partition ends.
 * - Each commit of a partition begins where the committed progress ends, and holds all rows up to where it moves it:
 *   what is refused is in it as a row of the quarantine, what is dropped has come before.
 * - What was taken and not committed is only in memory. Whatever fails, it is forgotten, states and rows together, and
 *   taken again from the committed progress: of one partition if the fault is the partition's, else of all.
 *
 * While one flush is staged and committed the next is read and sequenced; there is never more than one of each.
 */
export class Sink {
  private readonly ports: SinkPorts;
  private readonly options: SinkOptions;
  private readonly lag: SinkLag;
  private readonly pauses: PausedPartitions;
  private readonly totals: SinkTotals;
  private loop: SinkLoop | null = null;
  private waiters = 0;
  private state: SinkStatus['state'] = 'waiting';

  constructor(ports: SinkPorts, options: SinkOptions = SINK_OPTIONS) {
    this.ports = ports;
    this.options = options;
    this.lag = new SinkLag(ports.clock, ports.telemetry);
    this.pauses = new PausedPartitions(ports, options);
    this.totals = new SinkTotals(ports);
  }

  get status(): SinkStatus {
    const { counts, commits, committedRows, lastCommitUs, error, failing } = this.totals;
    return {
      state: this.state,
      partitions: this.loop?.partitionCount ?? 0,
      paused: this.pauses.list,
      counts: { ...counts },
      commits,
      committedRows,
      lastCommitUs,
      lag: this.lag.total,
      error,
      failing,
    };
  }

  /** Whether nothing is taken of the partition until its fault is mended: waiting for it is waiting in vain. */
  isPaused(partition: TopicPartition): boolean {
    return this.pauses.isPaused(partition);
  }

  /** While the work is under way, what was taken is committed as soon as the log has no more: someone waits for it. */
  async hurryWhile<Result>(work: Promise<Result>): Promise<Result> {
    this.waiters++;
    try {
      return await work;
    } finally {
      this.waiters--;
    }
  }

  /**
   * Runs until the signal aborts, then commits what was read and resolves. Rejects if other writers take its partitions
   * over again and again, if a table lacks a column that it writes, or for a fault of the code that is no single
   * partition's.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { scheduler, telemetry } = this.ports;
    const backoff = new Backoff(this.ports.random, this.options);
    let fencedTimes = 0;
    for (;;) {
      const commitsBefore = this.totals.commits;
      const error = await this.live(signal);
      if (error === null) return;
      const hasCommitted = this.totals.commits > commitsBefore;
      fencedTimes = hasCommitted ? 0 : fencedTimes;
      if (isPortError(error, 'fenced')) fencedTimes++;
      if (fencedTimes >= FENCED_TIMES_MAX || isPortError(error, 'invalid-schema-change') || !isPortError(error)) {
        this.state = 'failed';
        throw error;
      }
      if (signal.aborted) {
        // Nothing is lost: what was not committed is in the log, and the next start takes it from there.
        this.state = 'stopped';
        telemetry.log('warn', 'the sink stopped without its last commit', { error: error.message });
        return;
      }
      if (hasCommitted) backoff.reset();
      const delayMs = backoff.delayMs();
      telemetry.log('warn', 'the sink starts over from the committed progress', { error: error.message, delayMs });
      await scheduler.sleep(delayMs, signal);
    }
  }

  /** Null once it was told to stop and has committed what it had taken; else why it must start over. */
  private async live(signal: AbortSignal): Promise<unknown> {
    const { lag, pauses, totals } = this;
    const loop = new SinkLoop(
      this.ports,
      this.options,
      { lag, pauses, totals, isHurried: () => this.waiters > 0 },
      signal,
    );
    this.loop = loop;
    this.state = 'running';
    try {
      await loop.run(() => (this.state = 'draining'));
      this.state = 'stopped';
      return null;
    } catch (error) {
      totals.failed(error);
      await loop.abandon();
      return error ?? new Error('the sink failed for a reason that nothing says');
    }
  }
}
