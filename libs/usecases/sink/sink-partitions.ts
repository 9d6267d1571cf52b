import {
  isPortError,
  PortError,
  type LogPosition,
  type LogRecord,
  type PartitionClaim,
  type TickLog,
  type TickStore,
  type TopicPartition,
} from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import type { SinkLag } from './sink-lag.ts';

/** The partitions that a sink owns, and how far it has taken each. */
export class SinkPartitions {
  readonly claims = new Map<string, PartitionClaim>();
  private readonly ports: { readonly log: TickLog; readonly store: TickStore };
  private readonly lag: SinkLag;
  private readonly nextOffsets = new Map<string, number>();
  /** Next offsets of the partitions that the next flush has rows of. */
  private takenOffsets = new Map<string, number>();

  constructor(ports: { readonly log: TickLog; readonly store: TickStore }, lag: SinkLag) {
    this.ports = ports;
    this.lag = lag;
  }

  get count(): number {
    return this.claims.size;
  }

  get topics(): readonly string[] {
    return [...new Set(Array.from(this.claims.values(), ({ topic }) => topic))];
  }

  get positions(): readonly LogPosition[] {
    return Array.from(this.claims, ([name, { topic, partition }]) => ({
      topic,
      partition,
      nextOffset: this.nextOffsets.get(name)!,
    }));
  }

  /** False where the partition was handed over while it was read: who owns it now reads it. */
  isNext({ topicPartition, offset }: LogRecord): boolean {
    return this.nextOffsets.get(partitionName(topicPartition)) === offset;
  }

  took({ topicPartition, nextOffset, appendedUs }: LogRecord): void {
    this.moveTo(topicPartition, nextOffset);
    this.lag.taken(partitionName(topicPartition), appendedUs);
  }

  /** Where a partition is to be read next; undefined where it is not ours. */
  nextOffsetOf(partition: TopicPartition): number | undefined {
    return this.nextOffsets.get(partitionName(partition));
  }

  moveTo(partition: TopicPartition, nextOffset: number): void {
    const name = partitionName(partition);
    this.nextOffsets.set(name, nextOffset);
    this.takenOffsets.set(name, nextOffset);
  }

  /** How far the rows of the next flush reach; asking again is about the one after. */
  takeOffsets(): ReadonlyMap<string, number> {
    const taken = this.takenOffsets;
    this.takenOffsets = new Map();
    return taken;
  }

  /** Throws `topic-recreated` where the log is not the one that the store was filled from. */
  async claim(writer: string, partitions: readonly TopicPartition[]): Promise<void> {
    const { log } = this.ports;
    const topicIds = new Map((await log.topics()).map(({ name, topicId }) => [name, topicId]));
    const claims = await this.claimAll(
      writer,
      partitions.map((partition) => ({ ...partition, topicId: topicIds.get(partition.topic)! })),
    );
    const topics = [...new Set(claims.map(({ topic }) => topic))];
    const ends = new Map((await log.offsets(topics)).map((at) => [partitionName(at), at.endOffset]));
    for (const claim of claims) {
      const name = partitionName(claim);
      const endOffset = ends.get(name) ?? 0;
      if (claim.nextOffset > endOffset) {
        const message = `${name} is committed up to offset ${claim.nextOffset}, but the log ends at ${endOffset}: it is not the log that the tables were filled from`;
        throw new PortError('topic-recreated', message, { partition: name, nextOffset: claim.nextOffset, endOffset });
      }
      this.claims.set(name, claim);
      this.nextOffsets.set(name, claim.nextOffset);
      this.lag.claimed(name, claim.nextOffset);
    }
  }

  release(partitions: readonly TopicPartition[]): void {
    for (const name of partitions.map(partitionName)) {
      this.claims.delete(name);
      this.nextOffsets.delete(name);
      this.lag.released(name);
    }
  }

  clear(): void {
    this.claims.clear();
    this.nextOffsets.clear();
    this.takenOffsets.clear();
    this.lag.clear();
  }

  private async claimAll(
    writer: string,
    wanted: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    try {
      return await this.ports.store.claim(writer, wanted);
    } catch (error) {
      if (!isPortError(error, 'progress-mismatch')) throw error;
      // Its offsets count from 0 again: to go on by them would take everything new for committed.
      throw new PortError('topic-recreated', error.message, error.context, { cause: error });
    }
  }
}
