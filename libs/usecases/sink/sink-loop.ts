import { isPortError, type LogRecord, type TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { CommitPipeline, type FlushPart, type PipelinePorts } from './commit-pipeline.ts';
import { Intake } from './intake.ts';
import { isOfPartition, PartitionFaults } from './partition-faults.ts';
import { PartitionHandover } from './partition-handover.ts';
import type { PausedPartitions } from './paused-partitions.ts';
import type { SinkLag } from './sink-lag.ts';
import type { SinkOptions } from './sink-options.ts';
import { SeriesMoves } from './series-moves.ts';
import { SinkPartitions } from './sink-partitions.ts';
import { StateCache } from './state-cache.ts';
import type { StateChanges } from './stored-states.ts';
import type { SinkTotals } from './sink-totals.ts';

/** How long a hurried sink keeps reading, so that more rows share the commit that a caller waits for. */
const HURRIED_WAIT_MS = 10;

const NO_CHANGES: StateChanges = { changes: new Map(), committed: () => {} };

/** What outlives a start over. */
export interface SinkMemory {
  readonly lag: SinkLag;
  readonly pauses: PausedPartitions;
  readonly totals: SinkTotals;
  /** Whether someone waits for what is in the log to be committed. */
  isHurried(): boolean;
}

/**
 * One life of a sink, from joining the group to leaving it: reads, takes, and flushes. It ends by throwing when it must
 * start over: all that was taken and not committed is then forgotten, and the next life takes it from the log again.
 * A fault of one partition does not end it: see PartitionFaults.
 */
export class SinkLoop {
  private readonly ports: PipelinePorts;
  private readonly options: SinkOptions;
  private readonly memory: SinkMemory;
  private readonly stop: AbortSignal;
  private readonly states: StateCache;
  private readonly moves: SeriesMoves;
  private readonly intake: Intake;
  private readonly partitions: SinkPartitions;
  private readonly pipeline: CommitPipeline;
  private readonly faults: PartitionFaults;
  private readonly handover: PartitionHandover;
  /** Taking, flushing and handing over change the same things; they take turns. */
  private turn: Promise<unknown> = Promise.resolve();
  /** Why this life ends: from here on nothing is taken, and nothing of what was taken is committed. */
  private failure: { readonly error: unknown } | null = null;

  constructor(ports: PipelinePorts, options: SinkOptions, memory: SinkMemory, stop: AbortSignal) {
    this.ports = ports;
    this.options = options;
    this.memory = memory;
    this.stop = stop;
    this.states = new StateCache(ports.store, options);
    this.moves = new SeriesMoves(ports, { lookMs: options.discoverIntervalMs, moveWaitMs: options.moveWaitMs });
    this.intake = new Intake(this.states, this.moves, ports.clock, options.sequencing);
    this.partitions = new SinkPartitions(ports, memory.lag);
    this.pipeline = new CommitPipeline(ports, options, stop, {
      committed: (parts, receipt) => {
        for (const part of parts) this.committed(part);
        memory.totals.committed(parts, receipt);
      },
      refused: (error) => memory.totals.failed(error),
    });
    const { states, partitions, pipeline } = this;
    this.faults = new PartitionFaults(
      ports,
      options.writer,
      { states, partitions, pipeline, pauses: memory.pauses },
      stop,
    );
    this.handover = new PartitionHandover(ports, options.group, {
      assigned: (partitions) => this.handOver(() => this.assigned(partitions)),
      revoked: (partitions) => this.handOver(() => this.revoked(partitions)),
      looked: (error) => memory.totals.looked(error),
    });
  }

  get partitionCount(): number {
    return this.partitions.count;
  }

  /** Until `stop` aborts; then commits what was taken and leaves. */
  async run(draining: () => void): Promise<void> {
    const { log } = this.ports;
    this.handover.start(this.options.discoverIntervalMs, async () => {
      this.memory.lag.ends(await log.offsets(this.handover.topics));
      await this.pipeline.trim();
    });
    while (!this.stop.aborted) {
      this.throwIfFailed();
      if (this.pipeline.hasFailed) await this.inTurn(() => this.faults.settled());
      await this.resumeDue();
      if (this.partitions.count === 0) await this.ports.scheduler.sleep(50, this.stop);
      else await this.step();
    }
    draining();
    await this.inTurn(() => this.flush());
    await this.inTurn(() => this.faults.settled());
    this.throwIfFailed();
    await this.handover.leave();
  }

  /** Gives everything up without committing it. */
  async abandon(): Promise<void> {
    this.failure ??= { error: new Error('this life of the sink was abandoned') };
    await this.inTurn(async () => void (await this.pipeline.idle().catch(() => undefined)));
    this.memory.pauses.left();
    this.memory.lag.clear();
    await this.handover.leave().catch(() => undefined);
  }

  private async step(): Promise<void> {
    const records = await this.read(this.waitMs());
    await this.inTurn(async () => {
      await this.take(records);
      if (this.isFlushDue(records.length === 0)) await this.flush();
      else if (records.length === 0 && this.partitions.flushDueUs === null && !this.pipeline.isBusy)
        this.memory.totals.caughtUp();
    });
    await this.gather(records);
  }

  private waitMs(): number {
    const { flushDueUs } = this.partitions;
    // A read knows nothing of partitions that are claimed while it waits.
    const mostMs = this.memory.isHurried() ? HURRIED_WAIT_MS : this.options.discoverIntervalMs;
    if (flushDueUs === null) return mostMs;
    return Math.min(mostMs, Math.max(0, Math.ceil((flushDueUs - this.ports.clock.monotonicUs()) / 1_000)));
  }

  private async read(waitMs: number): Promise<readonly LogRecord[]> {
    const positions = this.partitions.positions((name) => !this.moves.isWaiting(name));
    try {
      if (positions.length === 0) {
        await this.ports.scheduler.sleep(waitMs, this.stop);
        return [];
      }
      return await this.ports.log.read({ positions, bytesMax: this.options.readBytesMax, waitMs }, this.stop);
    } catch (error) {
      if (isPortError(error, 'offset-trimmed')) await this.inTurn(() => this.skipTrimmed());
      else if (isOfPartition(error)) await this.inTurn(() => this.faults.pauseUnreadable(error));
      else throw error;
      return [];
    }
  }

  /** A read that found little has caught up: what comes in a moment is then read, and sequenced, at once. */
  private async gather(records: readonly LogRecord[]): Promise<void> {
    const { gatherMs, readBytesMax } = this.options;
    const bytes = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (this.memory.isHurried() || bytes === 0 || bytes >= readBytesMax / 4) return;
    await this.ports.scheduler.sleep(gatherMs, this.stop);
  }

  private async take(records: readonly LogRecord[]): Promise<void> {
    for (const ofPartition of byPartition(records)) {
      await this.takeOfPartition(ofPartition);
      // Heartbeats and hand-overs have their turn.
      await this.ports.scheduler.yield();
    }
  }

  private async takeOfPartition(records: readonly LogRecord[]): Promise<void> {
    // Not ours if it was handed over while it was being read: its new owner reads it.
    const owned = this.partitions.get(records[0].topicPartition);
    if (owned === undefined) return;
    const nowUs = this.ports.clock.monotonicUs();
    const flushDueUs = owned.aloneUntil === null ? nowUs + this.options.flushIntervalMs * 1_000 : nowUs;
    const next = followingFrom(owned.nextOffset, records);
    if (next.length === 0) return;
    if (owned.nextOffset === 0 && !(await this.moves.mayBegin(owned.topicPartition))) return;
    await this.faults.orPause(owned, next[0].offset, async () => {
      const taken = this.partitions.taking(owned, flushDueUs);
      const count = await this.intake.take(next, taken);
      for (const record of next.slice(0, count)) this.partitions.took(owned, record);
      if (taken.nextOffset === taken.fromOffset) owned.taken = null;
    });
  }

  private isFlushDue(isAllTaken: boolean): boolean {
    const { flushRowsMax, flushBytesMax } = this.options;
    const { flushDueUs, takenRows, takenBytes } = this.partitions;
    if (flushDueUs === null) return false;
    if (isAllTaken && this.memory.isHurried()) return true;
    return this.ports.clock.monotonicUs() >= flushDueUs || takenRows >= flushRowsMax || takenBytes >= flushBytesMax;
  }

  /** Hands what was taken to the store; waits first for the flush before it. */
  private async flush(): Promise<void> {
    await this.faults.settled();
    this.throwIfFailed();
    for (const owned of this.partitions.all) {
      const { taken } = owned;
      if (taken === null) continue;
      await this.faults.orPause(owned, taken.fromOffset, async () => {
        await this.intake.settle(taken);
        taken.assertWhole();
      });
    }
    const states = this.states.takeChanges();
    const parts: FlushPart[] = [];
    for (const owned of this.partitions.all) {
      const { taken, name } = owned;
      if (taken === null) continue;
      owned.taken = null;
      this.memory.lag.committing(name);
      parts.push({ owned, taken, state: states.get(name) ?? NO_CHANGES });
    }
    if (parts.length > 0) this.pipeline.start(parts);
  }

  private committed({ owned, taken }: FlushPart): void {
    if (owned.aloneUntil !== null && owned.aloneUntil <= taken.nextOffset) owned.aloneUntil = null;
    this.memory.lag.committed(owned.name, taken.nextOffset);
    this.memory.pauses.committed(owned.name);
  }

  private async skipTrimmed(): Promise<void> {
    for (const { startOffset, ...offsets } of await this.ports.log.offsets(this.partitions.topics)) {
      const owned = this.partitions.get(offsets);
      if (owned === undefined || owned.nextOffset >= startOffset) continue;
      const { name, nextOffset } = owned;
      this.ports.telemetry.log('error', 'the log was trimmed past the committed progress', {
        partition: name,
        nextOffset,
        startOffset,
      });
      await this.faults.orPause(owned, nextOffset, async () => {
        const taken = this.partitions.taking(owned, 0);
        taken.flushDueUs = 0;
        this.intake.takeLost(nextOffset, startOffset, taken);
        this.partitions.moveTo(owned, startOffset);
      });
    }
  }

  private async resumeDue(): Promise<void> {
    const due = this.memory.pauses.takeDue();
    if (due.length > 0) await this.inTurn(() => this.faults.claimOrPause(due));
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const awake = partitions.filter((partition) => !this.memory.pauses.assigned(partition));
    if (awake.length > 0) await this.faults.claimOrPause(awake);
  }

  /** Commits what was read of them before another member reads on. */
  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.some((partition) => this.partitions.get(partition) !== undefined)) {
      await this.flush();
      await this.faults.settled();
    }
    for (const partition of partitions) {
      this.partitions.release(partition);
      this.moves.forget(partitionName(partition));
      this.memory.pauses.forget(partition);
    }
  }

  /** The group is not told of a failure: the sink starts over, which releases what it could not claim. */
  private async handOver(change: () => Promise<void>): Promise<void> {
    await this.inTurn(async () => {
      if (this.failure === null) await change();
    }).catch(() => undefined);
  }

  private throwIfFailed(): void {
    if (this.failure !== null) throw this.failure.error;
  }

  /** Something may be half done when work fails: nothing that was taken may be committed, by what is next in turn either. */
  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.turn.then(work).catch((error: unknown) => {
      this.failure ??= { error };
      throw error;
    });
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/** Those that follow each other from an offset on; what was read again is left out. */
function followingFrom(offset: number, records: readonly LogRecord[]): readonly LogRecord[] {
  let nextOffset = offset;
  return records.filter((record) => {
    const follows = record.offset === nextOffset;
    if (follows) nextOffset = record.nextOffset;
    return follows;
  });
}

/** Each in the order of the log. */
function byPartition(records: readonly LogRecord[]): readonly (readonly LogRecord[])[] {
  const partitions = new Map<string, LogRecord[]>();
  for (const record of records) {
    const name = partitionName(record.topicPartition);
    const known = partitions.get(name);
    if (known === undefined) partitions.set(name, [record]);
    else known.push(record);
  }
  return [...partitions.values()];
}
