import { beforeEach, describe, expect, it } from '@jest/globals';
import { partitionOf } from '@k2/domain/wire';
import { PortError } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { passing } from '../connection/patience.ts';
import { BATCH, recordBatches } from '../protocol/record-batch.ts';
import { KafkaReader } from '../protocol/kafka-reader.ts';
import { KAFKA_ERRORS, type KafkaRequest } from '../protocol/kafka-request.ts';
import { KafkaWriter } from '../protocol/kafka-writer.ts';
import type { ProducedPartition } from '../protocol/produce-requests.ts';
import { clock, scheduler, silent } from '../test-support/real-time.ts';
import type { KnownTopic } from '../topics/topic-table.ts';
import { LogProducer, type LogProducerOptions } from './log-producer.ts';

const TOPIC_ID = '00000000-0000-0000-0000-0000000000aa';
const OPTIONS: LogProducerOptions = {
  queuedBytesMax: 1_000_000,
  batchBytesMax: 100_000,
  lingerMs: 0,
  deliveryTimeoutMs: 5_000,
  replicationWaitMs: 1_000,
};

interface Sent {
  readonly partition: number;
  readonly producerId: bigint;
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly bytes: Buffer;
}

/** A broker that answers a produce request as it is told to. */
class FakeBroker {
  readonly sent: Sent[][] = [];
  answer: (sent: Sent, request: number) => number | Promise<number> = () => KAFKA_ERRORS.NONE;
  private producers = 0n;
  private readonly ends = new Map<number, number>();

  async versionOf(): Promise<number> {
    return 13;
  }

  async send(_node: number | null, request: KafkaRequest<unknown>): Promise<unknown> {
    if (request.apiName === 'InitProducerId') return { errorCode: 0, producerId: ++this.producers, producerEpoch: 0 };
    const out = new KafkaWriter();
    request.write(out);
    const sent = producedIn(new KafkaReader(out.finish()));
    this.sent.push(sent);
    const count = this.sent.length;
    return Promise.all(
      sent.map(async (of): Promise<ProducedPartition> => {
        const errorCode = await this.answer(of, count);
        const baseOffset = this.ends.get(of.partition) ?? 0;
        if (errorCode === KAFKA_ERRORS.NONE) this.ends.set(of.partition, baseOffset + of.recordCount);
        return { topic: TOPIC_ID, partition: of.partition, errorCode, message: null, baseOffset };
      }),
    );
  }
}

function producedIn(input: KafkaReader): Sent[] {
  input.compactString();
  input.int16();
  input.int32();
  return input
    .compactArray(() => {
      input.uuid();
      const partitions = input.compactArray(() => {
        const partition = input.int32();
        const bytes = Buffer.from(input.compactBytes());
        input.tags();
        const [{ producerId, recordCount }] = recordBatches(bytes);
        return { partition, producerId, recordCount, baseSequence: bytes.readInt32BE(BATCH.baseSequence), bytes };
      });
      input.tags();
      return partitions;
    })
    .flat();
}

describe('LogProducer', () => {
  let broker: FakeBroker;
  let refreshes: number;
  let refreshFailure: PortError | null;
  beforeEach(() => {
    broker = new FakeBroker();
    refreshes = 0;
    refreshFailure = null;
  });

  const topic: KnownTopic = { name: 't', kafkaTopic: 't', topicId: TOPIC_ID, leaders: [1, 1], framing: 'block' };

  function producer(options: Partial<LogProducerOptions> = {}) {
    const log = new LogProducer(
      broker as never,
      { ...OPTIONS, ...options },
      {
        clock,
        scheduler,
        telemetry: silent,
        refresh: async () => {
          refreshes++;
          if (refreshFailure !== null) throw refreshFailure;
          return topic;
        },
      },
    );
    const target = {
      topic,
      compression: 'none' as const,
      partitionOf: (exchange: string, symbol: string) => partitionOf(exchange, symbol, 2),
      schemaId: 1,
    };
    return (firstSequence: number, symbol = 'BHP', count = 1) =>
      log.append(target, { kind: 'ticks', batch: tradeBatch({ series: { symbol }, firstSequence, count }) });
  }

  it('sends what comes while a request is under way with the next one', async () => {
    const append = producer();
    let answer = () => {};
    broker.answer = (_sent, request) =>
      request > 1 ? 0 : new Promise((resolve) => (answer = () => resolve(KAFKA_ERRORS.NONE)));
    const first = append(1);
    while (broker.sent.length === 0) await scheduler.yield();
    const others = [2, 3, 4].map((sequence) => append(sequence));
    for (let i = 0; i < 5; i++) await scheduler.yield();
    expect(broker.sent).toHaveLength(1);
    answer();
    const receipts = await Promise.all([first, ...others]);
    expect(receipts.map(({ records }) => records[0].offset)).toEqual([0, 1, 2, 3]);
    expect(broker.sent.map(([{ recordCount }]) => recordCount)).toEqual([1, 3]);
  });

  it('sends the same bytes again, to whoever leads now, when a broker says that it does not', async () => {
    const append = producer();
    broker.answer = (_sent, request) => (request < 3 ? KAFKA_ERRORS.NOT_LEADER_OR_FOLLOWER : KAFKA_ERRORS.NONE);
    await append(1);
    expect(broker.sent).toHaveLength(3);
    expect(new Set(broker.sent.map(([{ bytes }]) => bytes.toString('hex'))).size).toBe(1);
    expect(refreshes).toBe(2);
  });

  it('lets one partition succeed where another one fails', async () => {
    const append = producer();
    const [even, odd] = ['A', 'B'].sort((a, b) => partitionOf('ASX', a, 2) - partitionOf('ASX', b, 2));
    expect(partitionOf('ASX', even, 2)).not.toBe(partitionOf('ASX', odd, 2));
    broker.answer = ({ partition }) => (partition === 0 ? KAFKA_ERRORS.NONE : KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
    const [fine, refused] = await Promise.allSettled([append(1, even), append(1, odd)]);
    expect(fine.status).toBe('fulfilled');
    expect(refused).toMatchObject({ reason: { kind: 'unavailable', retryable: false } });
  });

  it('goes on under another producer id, from 0, after a batch whose fate the broker cannot tell', async () => {
    const append = producer();
    await append(1);
    broker.answer = () => KAFKA_ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER;
    await expect(append(2)).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    broker.answer = () => KAFKA_ERRORS.NONE;
    await append(3);
    expect(broker.sent.flat().map(({ producerId, baseSequence }) => [producerId, baseSequence])).toEqual([
      [1n, 0],
      [1n, 1],
      [2n, 0],
    ]);
  });

  it('never reuses the sequence of a batch that was given up: it may have landed', async () => {
    const append = producer({ deliveryTimeoutMs: 100 });
    broker.answer = () => {
      throw passing('the answer was lost');
    };
    await expect(append(1)).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    const attempts = broker.sent.length;
    expect(attempts).toBeGreaterThan(1);
    broker.answer = () => KAFKA_ERRORS.NONE;
    await append(2);
    const [before, after] = [broker.sent[attempts - 1][0], broker.sent[attempts][0]];
    expect([before.producerId, before.baseSequence]).toEqual([1n, 0]);
    expect([after.producerId, after.baseSequence]).toEqual([2n, 0]);
  });

  it('fails everything of a topic that is gone', async () => {
    const append = producer();
    refreshFailure = new PortError('unknown-topic', 'gone');
    broker.answer = () => KAFKA_ERRORS.UNKNOWN_TOPIC_ID;
    const outcomes = await Promise.allSettled([1, 2, 3].map((sequence) => append(sequence)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { kind: 'unknown-topic' } });
  });

  it('holds no more than it may: further appends wait, in order', async () => {
    const append = producer({ queuedBytesMax: 1_000, batchBytesMax: 400 });
    let mostRecords = 0;
    broker.answer = ({ recordCount }) => {
      mostRecords = Math.max(mostRecords, recordCount);
      return KAFKA_ERRORS.NONE;
    };
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, i) => append(i + 1)));
    expect(receipts.map(({ records }) => records[0].offset)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(mostRecords).toBeLessThanOrEqual(10);
    expect(broker.sent.length).toBeGreaterThanOrEqual(10);
  });
});
