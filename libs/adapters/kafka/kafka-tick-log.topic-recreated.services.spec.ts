import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import type { KafkaTickLog } from './kafka-tick-log.ts';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { at, readAll, sequencesOf, until } from './test-support/ticks.ts';

const trades = (firstSequence: number, count = 3) => ({
  kind: 'ticks' as const,
  batch: tradeBatch({ series: { symbol: 'BHP' }, firstSequence, count }),
});
const recreated = { kind: 'topic-recreated', retryable: false };

describe('a topic that was deleted and created again', () => {
  let kafka: TestKafka;
  let log: KafkaTickLog;
  beforeEach(async () => {
    kafka = new TestKafka(service('kafka').brokers);
    log = await kafka.open();
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    await log.append(TOPIC, trades(1));
    await log.append(TOPIC, trades(4));
  });
  afterEach(() => kafka.close());

  /** As long as before, so that no offset gives it away. */
  async function recreate(): Promise<void> {
    const admin = await kafka.admin();
    await admin.deleteTopics({ topics: [kafka.nameInKafka(TOPIC)] });
    const other = await kafka.open();
    await other.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    for (const sequence of [101, 104, 107]) await other.append(TOPIC, trades(sequence));
  }

  it('is refused between two reads', async () => {
    expect(sequencesOf(await readAll(log, TOPIC))).toEqual([1, 2, 3, 4, 5, 6]);
    await recreate();
    await expect(log.read({ positions: [at(TOPIC, 2)], bytesMax: 1 << 20, waitMs: 0 })).rejects.toMatchObject(
      recreated,
    );
    await expect(log.read({ positions: [at(TOPIC, 0)], bytesMax: 1 << 20, waitMs: 0 })).rejects.toMatchObject(
      recreated,
    );
  });

  it('is refused by a read that waits at its end', async () => {
    const waiting = log.read({ positions: [at(TOPIC, 2)], bytesMax: 1 << 20, waitMs: 50_000 });
    const refused = expect(waiting).rejects.toMatchObject({
      kind: expect.stringMatching(/topic-recreated|unknown-topic/),
    });
    await recreate();
    await refused;
  });

  it('is refused by append and offsets, which go by the id that this log knew', async () => {
    const [{ topicId }] = await log.offsets([TOPIC]);
    await recreate();
    await expect(log.append(TOPIC, trades(7))).rejects.toMatchObject({
      ...recreated,
      context: { topic: TOPIC, knownTopicId: topicId },
    });
    await expect(log.offsets([TOPIC])).rejects.toMatchObject(recreated);
    const other = await kafka.open();
    expect(sequencesOf(await readAll(other, TOPIC))).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109]);
  });

  it('has another id, by which a log opened later tells it from the one that was committed', async () => {
    const [before] = await log.offsets([TOPIC]);
    await log.close();
    await recreate();
    const later = await kafka.open();
    const [after] = await later.offsets([TOPIC]);
    expect(after.topicId).not.toBe(before.topicId);
    expect(await later.topics()).toContainEqual({
      name: TOPIC,
      partitions: 1,
      framing: 'block',
      topicId: after.topicId,
    });
  });

  it('is unknown as long as it is only deleted', async () => {
    const admin = await kafka.admin();
    await admin.deleteTopics({ topics: [kafka.nameInKafka(TOPIC)] });
    const unknown = { kind: 'unknown-topic', context: { topic: TOPIC } };
    await until(async () => (await log.topics()).length === 0);
    await expect(log.append(TOPIC, trades(7))).rejects.toMatchObject(unknown);
    await expect(log.read({ positions: [at(TOPIC, 0)], bytesMax: 1, waitMs: 0 })).rejects.toMatchObject(unknown);
    await expect(log.offsets([TOPIC])).rejects.toMatchObject(unknown);
  });
});
