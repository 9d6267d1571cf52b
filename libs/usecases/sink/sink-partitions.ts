import {
  isPortError,
  PortError,
  type LogPosition,
  type LogRecord,
  type PartitionClaim,
  type PartitionOffsets,
  type TickLog,
  type TickStore,
  type TopicPartition,
} from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import type { SinkLag } from './sink-lag.ts';
import { TakenRows } from './taken-rows.ts';

/** A partition that a sink has claimed, and how far it has taken it. */
export interface OwnedPartition {
  readonly name: string;
  readonly topicPartition: TopicPartition;
  /** The right to commit, and how far the partition is committed. */
  claim: PartitionClaim;
  /** Where it is to be read next. */
  nextOffset: number;
  /** Null: nothing since the last flush. */
  taken: TakenRows | null;
  /** Its rows up to here are committed alone, since a commit that they were part of could not be written. */
  aloneUntil: number | null;
}

/** The partitions that a sink owns. */
export class SinkPartitions {
  private readonly ports: { readonly log: TickLog; readonly store: TickStore };
  private readonly lag: SinkLag;
  private readonly owned = new Map<string, OwnedPartition>();

  constructor(ports: { readonly log: TickLog; readonly store: TickStore }, lag: SinkLag) {
    this.ports = ports;
    this.lag = lag;
  }

  get count(): number {
    return this.owned.size;
  }

  get all(): readonly OwnedPartition[] {
    return [...this.owned.values()];
  }

  get topics(): readonly string[] {
    return [...new Set(this.all.map(({ topicPartition }) => topicPartition.topic))];
  }

  /** Where those are to be read next that `isRead` says are. */
  positions(isRead: (name: string) => boolean): readonly LogPosition[] {
    const read = this.all.filter(({ name }) => isRead(name));
    return read.map(({ topicPartition, nextOffset }) => ({ ...topicPartition, nextOffset }));
  }

  /** Undefined if it is not ours. */
  get(partition: TopicPartition): OwnedPartition | undefined {
    return this.owned.get(partitionName(partition));
  }

  /** When the first of what was taken is to be flushed, on the clock's monotonic time; null if nothing was taken. */
  get flushDueUs(): number | null {
    let firstUs: number | null = null;
    for (const { taken } of this.owned.values())
      if (taken !== null) firstUs = Math.min(firstUs ?? Infinity, taken.flushDueUs);
    return firstUs;
  }

  get takenRows(): number {
    return this.all.reduce((sum, { taken }) => sum + (taken?.rowCount ?? 0), 0);
  }

  get takenBytes(): number {
    return this.all.reduce((sum, { taken }) => sum + (taken?.sizeBytes ?? 0), 0);
  }

  /** What is taken of the partition now, to add to; `flushDueUs` counts if there is nothing yet. */
  taking(owned: OwnedPartition, flushDueUs: number): TakenRows {
    owned.taken ??= new TakenRows(owned.topicPartition, owned.nextOffset, flushDueUs);
    return owned.taken;
  }

  took(owned: OwnedPartition, record: LogRecord): void {
    this.moveTo(owned, record.nextOffset);
    owned.taken!.took(record);
    this.lag.taken(owned.name, record.appendedUs);
  }

  moveTo(owned: OwnedPartition, nextOffset: number): void {
    if (owned.taken === null || nextOffset <= owned.nextOffset)
      throw new RangeError(
        `${owned.name} would go from offset ${owned.nextOffset} to ${nextOffset}: offsets only rise`,
      );
    owned.nextOffset = nextOffset;
    owned.taken.nextOffset = nextOffset;
  }

  /** Forgets what was taken and not committed; it is read again. */
  rewind(owned: OwnedPartition): void {
    owned.taken = null;
    owned.nextOffset = owned.claim.nextOffset;
    this.lag.rewound(owned.name);
  }

  /** No longer read, and its lag still grows. */
  rest(owned: OwnedPartition): void {
    this.rewind(owned);
    this.owned.delete(owned.name);
  }

  /**
   * Takes partitions over, all or none. Throws `topic-recreated` if the log is not the one that the store was filled
   * from, `unknown-topic` if there is no such topic any more.
   */
  async claim(writer: string, partitions: readonly TopicPartition[]): Promise<readonly PartitionClaim[]> {
    const { log } = this.ports;
    const topicIds = new Map((await log.topics()).map(({ name, topicId }) => [name, topicId]));
    const wanted = partitions.map(({ topic, partition }) => {
      const topicId = topicIds.get(topic);
      if (topicId === undefined) throw unknownTopic(topic);
      return { topic, partition, topicId };
    });
    const claims = await this.claimAll(writer, wanted);
    const topics = [...new Set(claims.map(({ topic }) => topic))];
    const ends = new Map((await log.offsets(topics)).map((at) => [partitionName(at), at.endOffset]));
    for (const claim of claims) checkIsOfThisLog(claim, ends.get(partitionName(claim)) ?? 0);
    for (const claim of claims) this.own(claim);
    return claims;
  }

  ends(offsets: readonly PartitionOffsets[]): void {
    this.lag.ends(offsets);
  }

  release(partition: TopicPartition): void {
    const name = partitionName(partition);
    this.owned.delete(name);
    this.lag.released(name);
  }

  private own(claim: PartitionClaim): void {
    const name = partitionName(claim);
    const topicPartition = { topic: claim.topic, partition: claim.partition };
    const { nextOffset } = claim;
    this.owned.set(name, { name, topicPartition, claim, nextOffset, taken: null, aloneUntil: null });
    this.lag.claimed(name, nextOffset);
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

function checkIsOfThisLog(claim: PartitionClaim, endOffset: number): void {
  const { nextOffset } = claim;
  if (nextOffset <= endOffset) return;
  const name = partitionName(claim);
  const message = `${name} is committed up to offset ${nextOffset}, but the log ends at ${endOffset}: it is not the log that the tables were filled from`;
  throw new PortError('topic-recreated', message, { partition: name, nextOffset, endOffset });
}

function unknownTopic(topic: string): PortError<'unknown-topic'> {
  return new PortError('unknown-topic', `topic ${topic} is not in the log any more`, { topic });
}
