import { setTimeout as sleep } from 'node:timers/promises';
import type { TickBatch } from '@k2/domain/market';
import { isPortError, PortError, type LogRecord } from '@k2/ports';
import { KafkaCluster, type KafkaLog } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import {
  fetchRequest,
  type AbortedTransaction,
  type FetchAnswer,
  type FetchedPartition,
} from '../protocol/fetch-request.ts';
import { KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { recordBatches, type RecordBatch } from '../protocol/record-batch.ts';
import { locate, offsetsOutOfRange } from './locate.ts';
import { PartitionDecoder } from './partition-decoder.ts';
import type { HandedRecord, LanePosition, ReaderOptions } from './reader-protocol.ts';
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
  private session: Session | null = null;
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
    const session = new Session(epoch, positions, this.schemas);
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
  private async run(session: Session): Promise<void> {
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
  private async pullAll(session: Session, succeeded: () => void): Promise<void> {
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
    session: Session,
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
      succeeded();
      waitMs = this.options.fetchWaitMs;
      ahead = null;
      if (chunks.length === 0) continue;
      if (this.hasRoom) {
        ahead = this.fetch(leader, partitions, waitMs);
        // Awaited in the next round, or not at all.
        ahead.catch(() => undefined);
      }
      for (const chunk of chunks) {
        await this.room(isOver);
        if (isOver()) return;
        await this.decode(session, chunk, isOver);
      }
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

  private async decode(session: Session, { partition, batches, aborted }: Chunk, isOver: () => boolean): Promise<void> {
    const { decoder, emitted } = partition;
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
    this.handOver(session, emitted.splice(0));
  }

  private handOver(session: Session, records: readonly LogRecord[]): void {
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

export interface LanePartition {
  readonly position: LanePosition;
  readonly decoder: PartitionDecoder;
  /** Decoded and not yet handed over. */
  readonly emitted: LogRecord[];
  fetchOffset: number;
}

/** What a lane does between two seeks. */
class Session {
  readonly epoch: number;
  readonly partitions: readonly LanePartition[];
  private readonly ending = new AbortController();

  constructor(epoch: number, positions: readonly LanePosition[], schemas: SchemaTable) {
    this.epoch = epoch;
    this.partitions = positions.map((position) => {
      const { topic, partition, nextOffset } = position;
      const emitted: LogRecord[] = [];
      const decoder = new PartitionDecoder({ topic, partition }, nextOffset, schemas, (record) => emitted.push(record));
      return { position, decoder, emitted, fetchOffset: nextOffset };
    });
  }

  get isOver(): boolean {
    return this.ending.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  end(): void {
    this.ending.abort();
  }

  /** What was fetched and not decoded is fetched again. */
  rewind(): void {
    for (const partition of this.partitions) partition.fetchOffset = partition.decoder.nextOffset;
  }
}

interface Chunk {
  readonly partition: LanePartition;
  readonly batches: readonly RecordBatch[];
  readonly aborted: AbortedRecords;
}

function chunkOf(partition: LanePartition, { records, abortedTransactions }: FetchedPartition): Chunk {
  return { partition, batches: recordBatches(records), aborted: new AbortedRecords(abortedTransactions) };
}

/** Which batches of a fetch belong to transactions that were not committed, or are the marks of their ends. */
class AbortedRecords {
  private readonly transactions: AbortedTransaction[];
  private readonly producers = new Set<bigint>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.transactions = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** To be asked for every batch, in order. */
  skips({ nextOffset, producerId, isControl, isTransactional }: RecordBatch): boolean {
    while (this.transactions.length > 0 && this.transactions[0].firstOffset < nextOffset) {
      this.producers.add(this.transactions.shift()!.producerId);
    }
    if (isControl) this.producers.delete(producerId);
    return isControl || (isTransactional && this.producers.has(producerId));
  }
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

/** Smaller ones are copied: to move a buffer costs more than that. */
const MOVED_BYTES_MIN = 4_096;

/** Adds the memory of a record that can move to another thread; returns the bytes of all that it has. */
function collectBuffers({ payload, rowOffsets }: LogRecord, buffers: ArrayBuffer[]): number {
  let bytes = 0;
  const add = ({ buffer, byteLength }: ArrayBufferView) => {
    bytes += byteLength;
    if (byteLength >= MOVED_BYTES_MIN && byteLength === buffer.byteLength) buffers.push(buffer as ArrayBuffer);
  };
  if (rowOffsets !== null) add(rowOffsets);
  if (payload.kind === 'undecodable') add(payload.raw);
  if (payload.kind === 'ticks') for (const column of columnsOf(payload.batch)) add(column);
  return bytes;
}

function columnsOf(batch: TickBatch): ArrayBufferView[] {
  const { seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode } = batch;
  const common = [seriesCode, eventTimeUs, receiveTimeUs, venueSequence, vendorDataCode];
  if (batch.recordType === 'trades') {
    const { tradeId, price, quantity, aggressorSide, conditionsCode } = batch;
    return [...common, tradeId.offsets, tradeId.bytes, price, quantity, aggressorSide, conditionsCode];
  }
  const { quoteId, bidPrice, bidQuantity, askPrice, askQuantity } = batch;
  return [...common, quoteId.offsets, quoteId.bytes, bidPrice, bidQuantity, askPrice, askQuantity];
}
