import { setTimeout as sleep } from 'node:timers/promises';
import { isPortError, PortError, type LogRecord } from '@k2/ports';
import { KafkaCluster, type KafkaLog } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { fetchRequest, type FetchAnswer, type FetchedPartition } from '../protocol/fetch-request.ts';
import { KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { recordBatches, type RecordBatch } from '../protocol/record-batch.ts';
import { AbortedRecords } from './aborted-records.ts';
import { locate, offsetsOutOfRange } from './locate.ts';
import { LaneSession, type LanePartition } from './lane-session.ts';
import type { HandedRecord, LanePosition, ReaderOptions } from './reader-protocol.ts';
import { collectBuffers } from './record-buffers.ts';
import type { SchemaTable } from './schema-table.ts';

export interface LaneOutput {
  records(epoch: number, records: readonly HandedRecord<LogRecord>[], buffers: readonly ArrayBuffer[]): void;
  failed(epoch: number, failure: PortError): void;
  fetched(bytes: number): void;
}

/** How long a topic may be missing that was there a moment ago: a broker may hear of it later than the next. */
const MISSING_TOPIC_MS = 1_000;
/** A reader who has not come back for so long is not fetched for until it does. */
const ABANDONED_MS = 120_000;
const FIRST_RETRY_MS = 20;
const RETRY_MS_MAX = 500;

/**
 * Fetches and decodes for one reader, ahead of it, as far as it is allowed. While a fetch is decoded the next one is under
 * way. What the reader does not know of it need not: brokers that restart and leaders that move are followed.
 */
export class FetchLane {
  private readonly options: ReaderOptions;
  private readonly schemas: SchemaTable;
  private readonly output: LaneOutput;
  private readonly cluster: KafkaCluster;
  private session: LaneSession | null = null;
  private aheadBytesMax = 0;
  private lastReadMs = 0;
  /** Handed over and not yet taken. */
  private aheadBytes = 0;
  private roomWaiters: (() => void)[] = [];
  private fetchTurn = 0;

  constructor(options: ReaderOptions, schemas: SchemaTable, output: LaneOutput, log: KafkaLog) {
    this.options = options;
    this.schemas = schemas;
    this.output = output;
    this.cluster = new KafkaCluster(options.connection, log);
  }

  seek(epoch: number, positions: readonly LanePosition[]): void {
    this.endSession();
    this.aheadBytes = 0;
    const session = new LaneSession(epoch, positions, this.schemas);
    this.session = session;
    void this.run(session);
  }

  /** Told at every read. */
  limit(aheadBytesMax: number): void {
    this.aheadBytesMax = aheadBytesMax;
    this.lastReadMs = performance.now();
    this.wake();
  }

  taken(epoch: number, bytes: number): void {
    if (epoch !== this.session?.epoch) return;
    this.aheadBytes -= bytes;
    this.wake();
  }

  async close(): Promise<void> {
    this.endSession();
    await this.cluster.close();
  }

  private endSession(): void {
    this.session?.end();
    this.session = null;
    this.wake();
  }

  /** Until the session ends, or cannot go on. */
  private async run(session: LaneSession): Promise<void> {
    let failingSinceMs: number | null = null;
    let delayMs = FIRST_RETRY_MS;
    while (!session.isOver) {
      try {
        await this.pullAll(session, () => {
          failingSinceMs = null;
          delayMs = FIRST_RETRY_MS;
        });
      } catch (error) {
        if (session.isOver) return;
        failingSinceMs ??= performance.now();
        const failure = failureOf(error);
        const patienceMs =
          failure.kind === 'unknown-topic' ? MISSING_TOPIC_MS : failure.retryable ? this.options.patienceMs : 0;
        if (performance.now() - failingSinceMs >= patienceMs) {
          session.end();
          this.output.failed(session.epoch, failure);
          return;
        }
        session.rewind();
        await sleep(delayMs, undefined, { signal: session.signal }).catch(() => undefined);
        delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
      }
    }
  }

  /** One puller for each broker; when one fails all stop, for leaders may have moved. */
  private async pullAll(session: LaneSession, succeeded: () => void): Promise<void> {
    const leaders = await locate(this.cluster, session.partitions);
    const round = { isOver: false };
    const pulls = [...leaders].map(([leader, partitions]) =>
      this.pull(session, round, leader, partitions, succeeded).finally(() => {
        round.isOver = true;
        this.wake();
      }),
    );
    const ends = await Promise.allSettled(pulls);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  private async pull(
    session: LaneSession,
    round: { readonly isOver: boolean },
    leader: number,
    partitions: readonly LanePartition[],
    succeeded: () => void,
  ): Promise<void> {
    const isOver = () => session.isOver || round.isOver;
    // The first answer tells at once what is there.
    let waitMs = 0;
    let ahead: Promise<FetchAnswer> | null = null;
    for (;;) {
      await this.room(isOver);
      if (isOver()) return;
      const answer: FetchAnswer = await (ahead ?? this.fetch(leader, partitions, waitMs));
      if (isOver()) return;
      const chunks = await this.accept(answer, partitions);
      waitMs = this.options.fetchWaitMs;
      ahead = null;
      if (chunks.length > 0 && this.hasRoom) {
        ahead = this.fetch(leader, partitions, waitMs);
        // Awaited in the next round, or not at all.
        ahead.catch(() => undefined);
      }
      for (const group of inGroups(chunks)) {
        await this.room(isOver);
        if (isOver()) return;
        try {
          for (const chunk of group) await this.decode(chunk, isOver);
        } finally {
          if (!isOver()) this.handOver(session, group);
        }
      }
      succeeded();
    }
  }

  private async fetch(leader: number, partitions: readonly LanePartition[], waitMs: number): Promise<FetchAnswer> {
    const { fetchBytesMax, partitionBytesMax } = this.options;
    // Brokers fill an answer in the order of the request: each partition is first in turn.
    const turn = this.fetchTurn++ % partitions.length;
    const fair = [...partitions.slice(turn), ...partitions.slice(0, turn)];
    const asked = fair.map(({ position: { topicId, partition }, fetchOffset }) => ({
      topicId,
      partition,
      fetchOffset,
    }));
    return this.cluster.send(leader, fetchRequest(asked, { waitMs, bytesMax: fetchBytesMax, partitionBytesMax }));
  }

  private async accept(answer: FetchAnswer, partitions: readonly LanePartition[]): Promise<Chunk[]> {
    if (answer.errorCode !== KAFKA_ERRORS.NONE) throw passing(`a fetch got ${kafkaErrorName(answer.errorCode)}`);
    const chunks: Chunk[] = [];
    let bytes = 0;
    for (const fetched of answer.partitions) {
      const partition = partitions.find(
        ({ position }) => position.topicId === fetched.topicId && position.partition === fetched.partition,
      )!;
      if (fetched.errorCode === KAFKA_ERRORS.OFFSET_OUT_OF_RANGE) {
        throw await offsetsOutOfRange(this.cluster, partition.position, partition.fetchOffset);
      }
      if (fetched.errorCode !== KAFKA_ERRORS.NONE) throw fetchRefused(partition.position, fetched.errorCode);
      if (fetched.records.length === 0) continue;
      bytes += fetched.records.length;
      chunks.push(chunkOf(partition, fetched));
    }
    this.output.fetched(bytes);
    for (const { partition, batches } of chunks) {
      if (batches.length > 0) partition.fetchOffset = batches[batches.length - 1].nextOffset;
    }
    return chunks;
  }

  private async decode({ partition: { decoder }, batches, aborted }: Chunk, isOver: () => boolean): Promise<void> {
    for (const batch of batches) {
      if (aborted.skips(batch)) {
        decoder.skip(batch);
        continue;
      }
      for (const schemaId of decoder.decode(batch)) {
        await this.schemas.load(schemaId);
        if (isOver()) return;
      }
    }
    decoder.flush();
  }

  private handOver(session: LaneSession, chunks: readonly Chunk[]): void {
    const records = chunks.flatMap(({ partition }) => partition.emitted.splice(0));
    if (records.length === 0) return;
    const buffers: ArrayBuffer[] = [];
    const handed = records.map((record) => {
      const memoryBytes = collectBuffers(record, buffers) + record.sizeBytes;
      this.aheadBytes += memoryBytes;
      return { record, memoryBytes };
    });
    this.output.records(session.epoch, handed, buffers);
  }

  private get hasRoom(): boolean {
    return this.aheadBytes < this.aheadBytesMax && performance.now() - this.lastReadMs < ABANDONED_MS;
  }

  private async room(isOver: () => boolean): Promise<void> {
    while (!this.hasRoom && !isOver()) await new Promise<void>((resolve) => this.roomWaiters.push(resolve));
  }

  private wake(): void {
    for (const waiter of this.roomWaiters.splice(0)) waiter();
  }
}

interface Chunk {
  readonly partition: LanePartition;
  readonly batches: readonly RecordBatch[];
  readonly aborted: AbortedRecords;
}

/** Chunks that are handed over together: small ones are, so that a reader finds something of each of its partitions. */
function inGroups(chunks: readonly Chunk[]): Chunk[][] {
  const groups: Chunk[][] = [];
  let bytes = Infinity;
  for (const chunk of chunks) {
    if (bytes >= GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups[groups.length - 1].push(chunk);
    bytes += chunk.batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  }
  return groups;
}

const GROUP_BYTES = 128 * 2 ** 10;

function chunkOf(partition: LanePartition, { records, abortedTransactions }: FetchedPartition): Chunk {
  return { partition, batches: recordBatches(records), aborted: new AbortedRecords(abortedTransactions) };
}

function fetchRefused({ topic, partition }: LanePosition, errorCode: number): PortError {
  const name = kafkaErrorName(errorCode);
  if (errorCode !== KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED)
    return passing(`${topic}/${partition}: ${name}`, { topic });
  return new PortError('unavailable', `${topic}: Kafka does not let us read it (${name}): grant Read on the topic`, {
    topic,
    partition,
  });
}

function failureOf(error: unknown): PortError {
  if (isPortError(error)) return error;
  // A batch of a format that nobody writes any more, or a fault of ours: either way reading again does not help.
  const message = `reading stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  return new PortError('unavailable', message, {}, { cause: error });
}
