import {
  isPortError,
  type Clock,
  type LogRecord,
  type Membership,
  type Scheduler,
  type Telemetry,
  type TickLog,
  type TickStore,
  type TopicPartition,
} from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { Intake, type IntakeCounts } from './intake.ts';
import { CommitPipeline } from './commit-pipeline.ts';
import { SinkLag, type Lag } from './sink-lag.ts';
import { SinkPartitions } from './sink-partitions.ts';
import { SINK_OPTIONS, type SinkOptions } from './sink-options.ts';
import { StateCache } from './state-cache.ts';

export interface SinkPorts {
  readonly log: TickLog;
  readonly store: TickStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export interface SinkStatus {
  readonly state: 'waiting' | 'running' | 'draining' | 'stopped' | 'failed';
  readonly partitions: number;
  readonly counts: Readonly<IntakeCounts>;
  readonly commits: number;
  readonly committedRows: number;
  readonly lastCommitUs: number | null;
  readonly lag: Lag;
  readonly error: string | null;
}

/**
 * A sink that was frozen or cut off is fenced once, and joins again. One that is fenced this often without a commit in
 * between shares its partitions with a sink of another group.
 */
const FENCED_TIMES_MAX = 5;

/** How long a sink that someone waits for looks for more to commit along. */
const HURRIED_WAIT_MS = 10;

/**
 * Carries the log into the store, exactly once: rows, sequencer states and progress are one commit, and a start resumes
 * from the store's progress. While one flush is staged and committed the next is read and sequenced; there is never more
 * than one of each. After any failure that is not known to be passing it starts over from the store's progress.
 */
export class Sink {
  private readonly ports: SinkPorts;
  private readonly options: SinkOptions;
  private readonly pipeline: CommitPipeline;
  private readonly lag: SinkLag;
  private intake: Intake;
  private states: StateCache;
  private readonly partitions: SinkPartitions;
  private membership: Membership | null = null;
  private readonly subscribed = new Set<string>();
  private flushDueUs = Infinity;
  /** Taking, flushing and handing over change the same things; they take turns. */
  private turn: Promise<unknown> = Promise.resolve();
  private failure: unknown = null;
  private waiters = 0;
  private state: SinkStatus['state'] = 'waiting';
  private counts: IntakeCounts = { taken: 0, kept: 0, late: 0, duplicates: 0, quarantined: 0, gaps: 0 };
  private error: string | null = null;

  constructor(ports: SinkPorts, options: SinkOptions = SINK_OPTIONS) {
    this.ports = ports;
    this.options = options;
    this.states = new StateCache(ports.store, options.statesMax);
    this.intake = new Intake(this.states, ports.clock, options.sequencing);
    this.lag = new SinkLag(ports.clock, ports.telemetry);
    this.partitions = new SinkPartitions(ports, this.lag);
    this.pipeline = new CommitPipeline(ports, options, this.partitions.claims);
  }

  get status(): SinkStatus {
    const { state, error } = this;
    const { total: lag } = this.lag;
    return {
      state,
      partitions: this.partitions.count,
      counts: { ...this.counts },
      ...this.pipeline.totals,
      lag,
      error,
    };
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
   * Runs until the signal aborts, then commits what was read and resolves. Rejects where other writers take its
   * partitions over again and again, or the log is not the one that the store was filled from.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { scheduler, telemetry } = this.ports;
    let delayMs = this.options.retryDelayMs;
    let fencedTimes = 0;
    this.state = 'running';
    for (;;) {
      const commitsBefore = this.pipeline.totals.commits;
      try {
        await this.pass(signal);
        this.state = 'stopped';
        return;
      } catch (error) {
        this.error = error instanceof Error ? error.message : String(error);
        await this.startOver();
        const hasCommitted = this.pipeline.totals.commits > commitsBefore;
        fencedTimes = hasCommitted ? 0 : fencedTimes;
        if (isPortError(error, 'fenced')) fencedTimes++;
        if (fencedTimes >= FENCED_TIMES_MAX || isPortError(error, 'topic-recreated') || !isPortError(error)) {
          this.state = 'failed';
          throw error;
        }
        if (signal.aborted) {
          // Nothing is lost: what was not committed is in the log, and the next start takes it from there.
          this.state = 'stopped';
          telemetry.log('warn', 'the sink stopped without its last commit', { error: this.error });
          return;
        }
        if (hasCommitted) delayMs = this.options.retryDelayMs;
        telemetry.log('warn', 'the sink starts over from the committed progress', { error: this.error, delayMs });
        await scheduler.sleep(delayMs, signal);
        delayMs = Math.min(delayMs * 2, this.options.retryDelayMsMax);
      }
    }
  }

  private async pass(signal: AbortSignal): Promise<void> {
    const { clock, scheduler, log } = this.ports;
    let discoverDueUs = 0;
    while (!signal.aborted) {
      if (this.failed !== null) throw this.failed;
      if (clock.monotonicUs() >= discoverDueUs) {
        await this.joinNewTopics();
        this.lag.ends(await log.offsets([...this.subscribed]));
        discoverDueUs = clock.monotonicUs() + this.options.discoverIntervalMs * 1_000;
      }
      if (this.partitions.count === 0) {
        await scheduler.sleep(Math.min(50, this.options.discoverIntervalMs), signal);
        continue;
      }
      const dueUs = Math.min(this.flushDueUs, discoverDueUs);
      const dueMs = Math.max(0, Math.ceil((dueUs - clock.monotonicUs()) / 1_000));
      const records = await this.read(log, this.waiters > 0 ? Math.min(dueMs, HURRIED_WAIT_MS) : dueMs, signal);
      if (this.waiters > 0 && records.length === 0 && this.flushDueUs !== Infinity)
        this.flushDueUs = clock.monotonicUs();
      await this.inTurn(() => this.takeAndFlush(records));
      await this.gather(records, signal);
    }
    this.state = 'draining';
    await this.inTurn(() => this.flush());
    await this.pipeline.idle();
    if (this.failed !== null) throw this.failed;
    await this.leave();
  }

  private async read(log: TickLog, waitMs: number, signal: AbortSignal): Promise<readonly LogRecord[]> {
    const { positions } = this.partitions;
    try {
      return await log.read({ positions, bytesMax: this.options.readBytesMax, waitMs }, signal);
    } catch (error) {
      if (!isPortError(error, 'offset-trimmed')) throw error;
      await this.inTurn(() => this.skipTrimmed(log));
      return [];
    }
  }

  /** A read that found little has caught up: what comes in a moment is then read, and sequenced, at once. */
  private async gather(records: readonly LogRecord[], signal: AbortSignal): Promise<void> {
    const { gatherMs, readBytesMax } = this.options;
    const bytes = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (this.waiters > 0 || bytes === 0 || bytes >= readBytesMax / 4) return;
    await this.ports.scheduler.sleep(gatherMs, signal);
  }

  private async takeAndFlush(records: readonly LogRecord[]): Promise<void> {
    try {
      await this.take(records);
      if (this.isFlushDue()) await this.flush();
    } catch (error) {
      // A record may be half taken: nothing of this intake may be committed, by a hand-over that is next in turn either.
      this.failure ??= error;
      throw error;
    }
  }

  private async take(records: readonly LogRecord[]): Promise<void> {
    for (const ofPartition of byPartition(records).values()) {
      const next = ofPartition.filter((record) => {
        const isNext = this.partitions.isNext(record);
        if (isNext) this.partitions.took(record);
        return isNext;
      });
      if (next.length === 0) continue;
      await this.intake.take(next);
      if (this.flushDueUs === Infinity) {
        this.flushDueUs = this.ports.clock.monotonicUs() + this.options.flushIntervalMs * 1_000;
      }
      // Heartbeats and hand-overs have their turn.
      await this.ports.scheduler.yield();
    }
    this.counts = { ...this.intake.counts };
  }

  private isFlushDue(): boolean {
    const { flushRowsMax, flushBytesMax } = this.options;
    return (
      this.ports.clock.monotonicUs() >= this.flushDueUs ||
      this.intake.rowCount >= flushRowsMax ||
      this.intake.sizeBytes >= flushBytesMax
    );
  }

  /** Hands what was taken to the store; waits first for the flush before it. */
  private async flush(): Promise<void> {
    await this.pipeline.idle();
    if (this.failed !== null || this.flushDueUs === Infinity) return;
    this.flushDueUs = Infinity;
    const rows = await this.intake.settle();
    this.counts = { ...this.intake.counts };
    const { changes, committed } = this.states.takeChanges();
    const nextOffsets = this.partitions.takeOffsets();
    this.lag.committing();
    this.pipeline.start({
      rows,
      nextOffsets,
      state: changes,
      committed: () => {
        committed();
        this.lag.committed(nextOffsets);
      },
    });
  }

  private get failed(): unknown {
    return this.failure ?? this.pipeline.failure;
  }

  private async skipTrimmed(log: TickLog): Promise<void> {
    for (const offsets of await log.offsets(this.partitions.topics)) {
      const nextOffset = this.partitions.nextOffsetOf(offsets);
      if (nextOffset === undefined || nextOffset >= offsets.startOffset) continue;
      this.ports.telemetry.log('error', 'the log was trimmed past the committed progress', {
        partition: partitionName(offsets),
        nextOffset,
        startOffset: offsets.startOffset,
      });
      this.intake.takeLost(offsets, nextOffset, offsets.startOffset);
      this.partitions.moveTo(offsets, offsets.startOffset);
      this.flushDueUs = Math.min(this.flushDueUs, this.ports.clock.monotonicUs());
    }
  }

  private async joinNewTopics(): Promise<void> {
    const { log } = this.ports;
    const topics = (await log.topics()).map(({ name }) => name);
    if (topics.every((name) => this.subscribed.has(name))) return;
    for (const name of topics) this.subscribed.add(name);
    if (this.membership !== null) return this.membership.subscribe(topics);
    this.membership = await log.join(this.options.group, topics, {
      assigned: (partitions) => this.handOver(() => this.claim(partitions)),
      revoked: (partitions) => this.handOver(() => this.release(partitions)),
    });
  }

  private async claim(partitions: readonly TopicPartition[]): Promise<void> {
    // They may come back from another sink, which has taken their series on.
    this.states.forgetCommitted();
    await this.partitions.claim(this.options.writer, partitions);
  }

  /** Commits what was read of them before another member reads on. */
  private async release(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.some((partition) => this.partitions.nextOffsetOf(partition) !== undefined)) {
      await this.flush();
      await this.pipeline.idle();
    }
    this.partitions.release(partitions);
  }

  /** The group is not told of a failure: the sink starts over, and that gives up what it could not claim. */
  private async handOver(change: () => Promise<void>): Promise<void> {
    await this.inTurn(change).catch((error: unknown) => void (this.failure ??= error));
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async leave(): Promise<void> {
    const membership = this.membership;
    this.membership = null;
    this.subscribed.clear();
    await membership?.leave();
  }

  private async startOver(): Promise<void> {
    await this.inTurn(async () => {
      await this.pipeline.idle();
      this.partitions.clear();
      this.flushDueUs = Infinity;
      this.states = new StateCache(this.ports.store, this.options.statesMax);
      const intake = new Intake(this.states, this.ports.clock, this.options.sequencing);
      Object.assign(intake.counts, this.intake.counts);
      this.intake = intake;
    });
    await this.leave().catch(() => undefined);
    this.failure = null;
    this.pipeline.failure = null;
  }
}

/** By partition name, in the order of the log. */
function byPartition(records: readonly LogRecord[]): ReadonlyMap<string, readonly LogRecord[]> {
  const partitions = new Map<string, LogRecord[]>();
  for (const record of records) {
    const name = partitionName(record.topicPartition);
    const known = partitions.get(name);
    if (known === undefined) partitions.set(name, [record]);
    else known.push(record);
  }
  return partitions;
}
