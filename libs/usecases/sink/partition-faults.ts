import { isPortError, type TopicPartition } from '@k2/ports';
import type { CommitPipeline, PipelinePorts } from './commit-pipeline.ts';
import type { PausedPartitions } from './paused-partitions.ts';
import type { OwnedPartition, SinkPartitions } from './sink-partitions.ts';
import type { StateCache } from './state-cache.ts';

/** What a fault of a partition changes. */
export interface FaultyWork {
  readonly states: StateCache;
  readonly partitions: SinkPartitions;
  readonly pipeline: CommitPipeline;
  readonly pauses: PausedPartitions;
}

/**
 * Faults of one partition, which cost that partition and no other (ADR 39). What can't be claimed, read or taken pauses
 * the partition. A flush that can't be written is taken again, partition by partition; of a partition that still can't be,
 * the ticks at fault go to the quarantine, and if there are none the partition is paused. To be called in the sink's turn.
 */
export class PartitionFaults {
  private readonly ports: PipelinePorts;
  private readonly writer: string;
  private readonly states: StateCache;
  private readonly partitions: SinkPartitions;
  private readonly pipeline: CommitPipeline;
  private readonly pauses: PausedPartitions;
  private readonly stop: AbortSignal;

  constructor(
    ports: PipelinePorts,
    writer: string,
    { states, partitions, pipeline, pauses }: FaultyWork,
    stop: AbortSignal,
  ) {
    this.ports = ports;
    this.writer = writer;
    this.states = states;
    this.partitions = partitions;
    this.pipeline = pipeline;
    this.pauses = pauses;
    this.stop = stop;
  }

  /** A fault that shows while the rows of a partition are worked on pauses it, and leaves the others as they are. */
  async orPause(owned: OwnedPartition, offset: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The store or the log is away: no fault of the rows.
      if (isPortError(error)) throw error;
      await this.settled();
      if (this.partitions.get(owned.topicPartition) === owned) this.pause(owned, offset, error);
    }
  }

  /** Waits for the flush under way; what it could not write is taken again, each partition alone, or paused. */
  async settled(): Promise<void> {
    for (const { parts, error, wereAlone } of await this.pipeline.idle()) {
      for (const { owned, taken } of parts) {
        if (this.partitions.get(owned.topicPartition) !== owned) continue;
        if (wereAlone) this.pause(owned, taken.fromOffset, error);
        else this.takeAgainAlone(owned, taken.nextOffset, error);
      }
    }
  }

  /** Which of the partitions can't be read, tried one by one. If each can be, nobody is to blame but the read itself. */
  async pauseUnreadable(error: unknown): Promise<void> {
    let paused = 0;
    for (const owned of this.partitions.all) {
      const positions = [{ ...owned.topicPartition, nextOffset: owned.nextOffset }];
      try {
        await this.ports.log.read({ positions, bytesMax: 1, waitMs: 0 }, this.stop);
      } catch (own) {
        if (!isOfPartition(own)) throw own;
        await this.settled();
        if (this.partitions.get(owned.topicPartition) === owned) this.pause(owned, owned.nextOffset, own);
        paused++;
      }
    }
    if (paused === 0) throw error;
  }

  /** Those that can be claimed are read from now on. */
  async claimOrPause(partitions: readonly TopicPartition[]): Promise<void> {
    // They may come back from another sink, which has taken their series on.
    this.states.forgetCommitted();
    try {
      this.pipeline.isCommittedUpTo(await this.partitions.claim(this.writer, partitions));
    } catch (error) {
      if (!isOfPartition(error)) throw error;
      if (partitions.length === 1) this.pauses.pause(partitions[0], null, error);
      else for (const partition of partitions) await this.claimOrPause([partition]);
    }
  }

  private takeAgainAlone(owned: OwnedPartition, untilOffset: number, error: unknown): void {
    this.ports.telemetry.log('warn', 'a commit could not be written; the rows of a partition are taken again, alone', {
      partition: owned.name,
      untilOffset,
      error: String(error),
    });
    this.states.forget(owned.name);
    this.partitions.rewind(owned);
    owned.aloneUntil = untilOffset;
  }

  private pause(owned: OwnedPartition, offset: number, error: unknown): void {
    this.states.forget(owned.name);
    this.partitions.rest(owned);
    this.pauses.pause(owned.topicPartition, offset, error);
  }
}

/** Errors that say something of one partition, or of the code that works on it, and not that the world is away. */
export function isOfPartition(error: unknown): boolean {
  return !isPortError(error) || isPortError(error, 'topic-recreated', 'unknown-topic');
}
