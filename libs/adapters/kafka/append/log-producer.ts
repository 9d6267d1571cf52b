import { splitPayload, type BlockPayload, type Compression, type Partitioner } from '@k2/domain/wire';
import { isPortError, PortError, type AppendReceipt, type Clock, type Scheduler, type Telemetry } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { isPassingError, KAFKA_ERRORS } from '../protocol/kafka-request.ts';
import { PRODUCE_BY_ID_VERSION, produceRequest, type ProducedPartition } from '../protocol/produce-requests.ts';
import type { KnownTopic } from '../topics/topic-table.ts';
import { PartitionQueue, type SentBatch } from './partition-queue.ts';
import { PendingAppend } from './pending-append.ts';
import { piecesOf } from './pieces.ts';
import { MISSING_TOPIC, produceFailure, tooLarge } from './produce-failures.ts';
import { ProducerIdentity, type Identity } from './producer-identity.ts';

export interface LogProducerOptions {
  /** Encoded rows that wait for their acknowledgement; at the bound `append` waits, its rows not encoded. */
  readonly queuedBytesMax: number;
  /** Records of a batch before compression. A batch takes one piece at least. */
  readonly batchBytesMax: number;
  /** How long the first of a batch waits for others. Whatever is under way, those that come meanwhile share the next one. */
  readonly lingerMs: number;
  /** An append that is not acknowledged after so long fails. */
  readonly deliveryTimeoutMs: number;
  /** How long a broker may wait for its replicas. */
  readonly replicationWaitMs: number;
}

export interface LogProducerPorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** The topic as Kafka has it now; rejects with why nothing can be appended to it. */
  readonly refresh: (topic: string) => Promise<KnownTopic>;
}

/** A topic as it is appended to. */
export interface AppendTarget {
  readonly topic: KnownTopic;
  readonly compression: Compression;
  readonly partitionOf: Partitioner;
  readonly schemaId: number;
}

const RETRY_MS = 50;
const NO_LEADER = -1;
const PRODUCE_API_KEY = 0;
const REQUEST_BYTES_MAX = 16 * 2 ** 20;

/**
 * Appends with acknowledgement by all replicas in sync, in order within a partition, and each batch once, however often
 * it has to be sent: one request at a time goes to a broker, with a batch of each of its partitions. A batch that is given
 * up may have landed; who appends it again relies on sequencing to drop what is there twice.
 */
export class LogProducer {
  private readonly cluster: KafkaCluster;
  private readonly options: LogProducerOptions;
  private readonly ports: LogProducerPorts;
  private readonly identity: ProducerIdentity;
  private readonly queues = new Map<string, PartitionQueue>();
  /** Last known broker of each partition of a topic. */
  private readonly leaders = new Map<string, readonly number[]>();
  private readonly waiting: {
    readonly target: AppendTarget;
    readonly payload: BlockPayload;
    readonly append: PendingAppend;
  }[] = [];
  private readonly busyLeaders = new Set<number>();
  private queuedBytes = 0;
  private appendsOpen = 0;
  private idleListeners: (() => void)[] = [];
  private turn = 0;
  private isDrainDue = false;
  private isRetryDue = false;
  private producesById: boolean | null = null;
  private readonly produceMs;
  private readonly bytes;

  constructor(cluster: KafkaCluster, options: LogProducerOptions, ports: LogProducerPorts) {
    this.cluster = cluster;
    this.options = options;
    this.ports = ports;
    this.identity = new ProducerIdentity(cluster);
    this.produceMs = ports.telemetry.histogram('k2_kafka_produce_ms', 'From request to acknowledgement.', 'ms');
    this.bytes = ports.telemetry.counter('k2_kafka_produced_bytes', 'Record batches acknowledged, as sent.');
  }

  append(target: AppendTarget, payload: BlockPayload): Promise<AppendReceipt> {
    const append = new PendingAppend(this.nowUs + this.options.deliveryTimeoutMs * 1_000);
    this.appendsOpen++;
    this.waiting.push({ target, payload, append });
    this.admit();
    return append.receipt.finally(() => {
      this.appendsOpen--;
      if (this.appendsOpen === 0) for (const listener of this.idleListeners.splice(0)) listener();
    });
  }

  /** Resolves when every append so far is settled. */
  async idle(): Promise<void> {
    if (this.appendsOpen > 0) await new Promise<void>((resolve) => this.idleListeners.push(resolve));
  }

  private get nowUs(): number {
    return this.ports.clock.monotonicUs();
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.queuedBytes < this.options.queuedBytesMax) {
      const { target, payload, append } = this.waiting.shift()!;
      try {
        this.enqueue(target, payload, append);
      } catch (error) {
        append.fail(error);
      }
    }
    this.drainSoon();
  }

  private enqueue(target: AppendTarget, payload: BlockPayload, append: PendingAppend): void {
    const { topic, partitionOf, schemaId } = target;
    const { batchBytesMax } = this.options;
    const parts = splitPayload(payload, topic.leaders.length, partitionOf).map((part) => ({
      queue: this.queueOf(target, part.partition),
      pieces: piecesOf(part.payload, topic.framing, schemaId, batchBytesMax),
    }));
    const all = parts.flatMap(({ pieces }) => pieces);
    append.expect(all.length);
    for (const { queue, pieces } of parts) for (const piece of pieces) queue.push({ piece, append });
    if (!this.leaders.has(topic.name)) this.leaders.set(topic.name, topic.leaders);
    const sizeBytes = all.reduce((bytes, piece) => bytes + piece.sizeBytes, 0);
    this.queuedBytes += sizeBytes;
    const release = () => {
      this.queuedBytes -= sizeBytes;
      this.admit();
    };
    append.receipt.then(release, release);
  }

  private queueOf({ topic, compression }: AppendTarget, partition: number): PartitionQueue {
    const { name, kafkaTopic, topicId } = topic;
    const key = `${name}/${partition}`;
    let queue = this.queues.get(key);
    if (queue === undefined) {
      const { batchBytesMax } = this.options;
      queue = new PartitionQueue({ topic: name, partition }, { kafkaTopic, topicId }, { compression, batchBytesMax });
      this.queues.set(key, queue);
    }
    return queue;
  }

  private drainSoon(): void {
    if (this.isDrainDue) return;
    this.isDrainDue = true;
    const { scheduler } = this.ports;
    const { lingerMs } = this.options;
    void (lingerMs > 0 ? scheduler.sleep(lingerMs) : scheduler.yield()).then(() => {
      this.isDrainDue = false;
      this.drain();
    });
  }

  private drain(): void {
    const nowUs = this.nowUs;
    const due = [...this.queues.values()].filter((queue) => !queue.isEmpty && !queue.isBusy);
    const ready = inTurn(
      due.filter(({ notBeforeUs }) => notBeforeUs <= nowUs),
      this.turn++,
    );
    if (ready.length < due.length && !this.isRetryDue) {
      this.isRetryDue = true;
      void this.ports.scheduler.sleep(RETRY_MS).then(() => {
        this.isRetryDue = false;
        this.drain();
      });
    }
    for (const [leader, queues] of Map.groupBy(ready, (queue) => this.leaderOf(queue))) {
      if (!this.busyLeaders.has(leader)) void this.send(leader, queues);
    }
  }

  private leaderOf({ topicPartition: { topic, partition } }: PartitionQueue): number {
    return this.leaders.get(topic)?.[partition] ?? NO_LEADER;
  }

  /** One request with a batch of each queue. Never rejects. */
  private async send(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    this.busyLeaders.add(leader);
    for (const queue of queues) queue.isBusy = true;
    try {
      if (leader === NO_LEADER) await this.findLeaders(queues, passing('their partitions have no leader'));
      else await this.produce(leader, queues);
    } catch (error) {
      await this.findLeaders(queues, error);
    } finally {
      for (const queue of queues) queue.isBusy = false;
      this.busyLeaders.delete(leader);
      this.drainSoon();
    }
  }

  private async produce(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const identity = await this.identity.current();
    this.producesById ??= (await this.cluster.versionOf(PRODUCE_API_KEY)) >= PRODUCE_BY_ID_VERSION;
    const isById = this.producesById;
    const batches = await this.batches(queues, identity);
    const request = batches.map(({ queue: { kafkaTopic, topicId, topicPartition }, batch }) => ({
      topicName: kafkaTopic,
      topicId,
      partition: topicPartition.partition,
      batch: batch.bytes,
    }));
    const startUs = this.nowUs;
    const waitMs = this.options.replicationWaitMs;
    const answers = await this.cluster.send(leader, produceRequest(request, { isById, waitMs }));
    this.produceMs.record((this.nowUs - startUs) / 1_000);
    for (const { queue, batch } of batches) {
      const { topicId, kafkaTopic, topicPartition } = queue;
      const answer = answers.find(
        ({ topic, partition }) => topic === (isById ? topicId : kafkaTopic) && partition === topicPartition.partition,
      );
      if (answer === undefined) throw passing('a broker answered for other partitions than it was asked');
      await this.settle(queue, batch, answer);
    }
  }

  private async batches(queues: readonly PartitionQueue[], identity: Identity) {
    let bytes = 0;
    const fitting = queues.filter(({ nextBytes }) => (bytes += nextBytes) - nextBytes < REQUEST_BYTES_MAX);
    const nowMs = this.ports.clock.nowUs() / 1_000;
    return Promise.all(fitting.map(async (queue) => ({ queue, batch: await queue.batch(identity, nowMs) })));
  }

  private async settle(queue: PartitionQueue, batch: SentBatch, answer: ProducedPartition): Promise<void> {
    const { errorCode, baseOffset } = answer;
    if (errorCode === KAFKA_ERRORS.NONE) {
      this.bytes.add(batch.bytes.length);
      return queue.landed(baseOffset);
    }
    if (errorCode === KAFKA_ERRORS.MESSAGE_TOO_LARGE || errorCode === KAFKA_ERRORS.RECORD_LIST_TOO_LARGE) {
      if (!queue.shrink()) this.giveUp(queue, tooLarge(queue, batch));
      return;
    }
    const failure = produceFailure(queue, answer);
    if (isPassingError(errorCode) || MISSING_TOPIC.has(errorCode)) await this.findLeaders([queue], failure);
    else this.giveUp(queue, failure);
  }

  /** After a failure: whether the topics are still there and who leads them now, before the batches are sent again. */
  private async findLeaders(queues: readonly PartitionQueue[], failure: unknown): Promise<void> {
    for (const [topic, ofTopic] of Map.groupBy(queues, ({ topicPartition }) => topicPartition.topic)) {
      try {
        this.leaders.set(topic, (await this.ports.refresh(topic)).leaders);
        for (const queue of ofTopic) this.retry(queue, failure);
      } catch (error) {
        for (const queue of ofTopic) this.retry(queue, error);
      }
    }
  }

  private retry(queue: PartitionQueue, failure: unknown): void {
    const nowUs = this.nowUs;
    if (queue.isEmpty) return;
    if (!isPortError(failure)) return this.giveUp(queue, failure);
    if (failure.retryable && !queue.isOverdue(nowUs)) queue.notBeforeUs = nowUs + RETRY_MS * 1_000;
    else if (failure.retryable) this.giveUp(queue, this.overdue(queue, failure));
    else {
      this.identity.renew();
      queue.failAll(failure);
    }
  }

  /** The batch's sequence numbers are used up and may not be there: what follows goes under another producer id. */
  private giveUp(queue: PartitionQueue, failure: unknown): void {
    this.identity.renew();
    if (queue.sent !== null) queue.fail(failure);
    else queue.failOverdue(this.nowUs, failure);
  }

  private overdue({ topicPartition: { topic, partition } }: PartitionQueue, cause: PortError): PortError {
    const { deliveryTimeoutMs } = this.options;
    return new PortError(
      'unavailable',
      `${topic}/${partition} did not acknowledge an append within ${deliveryTimeoutMs} ms, whether it has it or not: ${cause.message}`,
      { topic, partition, deliveryTimeoutMs },
      { retryable: true, cause },
    );
  }
}

/** Each is first at some time: what does not fit into a request has to wait. */
function inTurn<Item>(items: readonly Item[], turn: number): Item[] {
  const first = turn % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}
