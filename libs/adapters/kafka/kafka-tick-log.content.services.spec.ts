import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { encodeBlock, withWirePrefix } from '@k2/domain/wire';
import { isPortError, PortError } from '@k2/ports';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import type { KafkaTickLog } from './kafka-tick-log.ts';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { at, readAll, sequencesOf } from './test-support/ticks.ts';

const trades = (firstSequence: number, count = 3) => ({
  kind: 'ticks' as const,
  batch: tradeBatch({ series: { symbol: 'BHP' }, firstSequence, count }),
});

describe('what is in the log', () => {
  let kafka: TestKafka;
  let log: KafkaTickLog;
  let producers: kafkajs.Producer[];
  beforeEach(async () => {
    kafka = new TestKafka(service('kafka').brokers);
    producers = [];
    log = await kafka.open();
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
  });
  afterEach(async () => {
    for (const producer of producers) await producer.disconnect();
    await kafka.close();
  });

  async function foreignProducer(config: kafkajs.ProducerConfig = {}): Promise<kafkajs.Producer> {
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
    const producer = kafka.client().producer({ createPartitioner, ...config });
    await producer.connect();
    producers.push(producer);
    return producer;
  }

  it('and is poison is handed on as its bytes, and the ticks behind it are read', async () => {
    const producer = await foreignProducer();
    await log.append(TOPIC, trades(1));
    const [good] = await readAll(log, TOPIC);
    const block = Buffer.from(withWirePrefix(100_001, encodeBlock(trades(4))));
    const poison = [
      Buffer.from([7, 0, 0, 0, 1, 2, 3]),
      Buffer.from(withWirePrefix(4711, Uint8Array.of(1))),
      block.subarray(0, block.length - 6),
      null,
      Buffer.alloc(0),
    ];
    await producer.send({ topic: kafka.nameInKafka(TOPIC), messages: poison.map((value) => ({ value })) });
    await log.append(TOPIC, trades(4));
    const records = await readAll(log, TOPIC);
    expect(records[0]).toEqual(good);
    expect(sequencesOf(records)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(records.map(({ offset, nextOffset }) => [offset, nextOffset])).toEqual(
      Array.from({ length: 7 }, (_, offset) => [offset, offset + 1]),
    );
    const refused = records.flatMap(({ payload }) => (payload.kind === 'undecodable' ? [payload] : []));
    expect(refused.map(({ raw }) => Buffer.from(raw))).toEqual(poison.map((value) => value ?? Buffer.alloc(0)));
    expect(refused.map(({ detail }) => detail)).toEqual([
      'the magic byte is 7: expected 0',
      'schema id 4711 is not in the registry',
      expect.stringMatching(/cut short|bytes left|bytes/),
      'the record has no value',
      expect.stringContaining('shorter'),
    ]);
  });

  it('is never taken for poison because the registry is away', async () => {
    await log.append(TOPIC, trades(1));
    const reader = await kafka.open({ tuning: { patienceMs: 200 } });
    kafka.registry.failure = new PortError('unavailable', 'the registry is away', {}, { retryable: true });
    const request = { positions: [at(TOPIC)], bytesMax: 1 << 20, waitMs: 0 };
    await expect(reader.read(request)).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      message: expect.stringContaining('the registry is away'),
    });
    kafka.registry.failure = null;
    expect(sequencesOf(await readAll(reader, TOPIC))).toEqual([1, 2, 3]);
  });

  it('counts only when its transaction was committed, and every offset is accounted for', async () => {
    const producer = await foreignProducer({
      transactionalId: kafka.nameInKafka('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    const send = async (firstSequence: number, isCommitted: boolean) => {
      const transaction = await producer.transaction();
      const value = Buffer.from(withWirePrefix(100_001, encodeBlock(trades(firstSequence, 1))));
      await transaction.send({ topic: kafka.nameInKafka(TOPIC), messages: [{ value }, { value }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    };
    await log.append(TOPIC, trades(1, 1));
    await send(2, false);
    await send(3, true);
    await log.append(TOPIC, trades(4, 1));
    await send(5, false);
    const records = await readAll(log, TOPIC);
    expect(sequencesOf(records)).toEqual([1, 3, 3, 4]);
    let nextOffset = 0;
    for (const record of records) {
      expect(record.offset).toBe(nextOffset);
      nextOffset = record.nextOffset;
    }
    // The last transaction and its mark are at the end: a reader is up to date all the same.
    const [{ endOffset }] = await log.offsets([TOPIC]);
    expect(nextOffset).toBe(endOffset);
    expect(endOffset).toBe(11);
  });

  it('is given back in every compression, by us and by others', async () => {
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const venue = `market.equities.trades.${compression}`;
      const writer = await kafka.open({ rule: { compression } });
      await writer.declareTopic({ name: venue, partitions: 1, framing: 'block' });
      await Promise.all([1, 4, 7].map((sequence) => writer.append(venue, trades(sequence))));
      expect(sequencesOf(await readAll(log, venue))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    const producer = await foreignProducer();
    const value = Buffer.from(withWirePrefix(100_001, encodeBlock(trades(1, 50))));
    const topic = kafka.nameInKafka(TOPIC);
    await producer.send({ topic, compression: kafkajs.CompressionTypes.GZIP, messages: [{ value }, { value }] });
    expect(sequencesOf(await readAll(log, TOPIC))).toHaveLength(100);
  });

  it('and was deleted by retention is said to be, with where the log begins now', async () => {
    for (const sequence of [1, 2, 3, 4]) await log.append(TOPIC, trades(sequence, 1));
    expect(await readAll(log, TOPIC)).toHaveLength(4);
    const admin = await kafka.admin();
    const topic = kafka.nameInKafka(TOPIC);
    // Makes kafkajs know the topic.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    await expect(log.read({ positions: [at(TOPIC, 1)], bytesMax: 1 << 20, waitMs: 1_000 })).rejects.toMatchObject({
      kind: 'offset-trimmed',
      context: { topic: TOPIC, partition: 0, startOffset: 3 },
    });
    expect(await log.offsets([TOPIC])).toMatchObject([{ startOffset: 3, endOffset: 4 }]);
    expect(sequencesOf(await readAll(log, TOPIC, 3))).toEqual([4]);
  });

  it('and ends before the reader is not the log that was read', async () => {
    await log.append(TOPIC, trades(1));
    const request = { positions: [at(TOPIC, 1_000)], bytesMax: 1 << 20 };
    const refused = { kind: 'topic-recreated', context: { nextOffset: 1_000, endOffset: 1 } };
    await expect(log.read({ ...request, waitMs: 0 })).rejects.toMatchObject(refused);
    await expect(log.read({ ...request, waitMs: 20_000 })).rejects.toMatchObject(refused);
  });

  it('and is too large for a batch of the topic is cut in two, by rows', async () => {
    const admin = await kafka.admin();
    const topic = kafka.nameInKafka(TOPIC);
    const configEntries = [{ name: 'max.message.bytes', value: '3000' }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] });
    const writer = await kafka.open({ rule: { compression: 'none' } });
    const { records } = await writer.append(TOPIC, trades(1, 2_000));
    expect(records.length).toBeGreaterThan(1);
    expect(records.reduce((rows, { rowCount }) => rows + rowCount, 0)).toBe(2_000);
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, offset) => offset));
    expect(sequencesOf(await readAll(log, TOPIC))).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
    const tooLong = tradeBatch({ series: { symbol: 'X'.repeat(5_000) }, firstSequence: 1, count: 1 });
    const failure = await writer.append(TOPIC, { kind: 'ticks', batch: tooLong }).catch((error: unknown) => error);
    expect(isPortError(failure, 'unavailable') && !failure.retryable && failure.message).toContain('max.message.bytes');
    await writer.append(TOPIC, trades(2_001, 1));
    expect(sequencesOf(await readAll(log, TOPIC)).at(-1)).toBe(2_001);
  });
});
