import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isPortError } from '@k2/ports';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import type { KafkaTickLog } from './kafka-tick-log.ts';
import { FaultProxy } from './test-support/fault-proxy.ts';
import { Member } from './test-support/recording-member.ts';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { at, readAll, sequencesOf, until } from './test-support/ticks.ts';

const PRODUCE = 0;
const FETCH = 1;
const [broker] = service('kafka').brokers;
const trades = (firstSequence: number, count = 1) => ({
  kind: 'ticks' as const,
  batch: tradeBatch({ series: { symbol: 'BHP' }, firstSequence, count }),
});
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('a broker that fails', () => {
  let kafka: TestKafka;
  let proxy: FaultProxy;
  let log: KafkaTickLog;
  const tuning = { requestTimeoutMs: 1_500, connectTimeoutMs: 1_000 };
  beforeEach(async () => {
    kafka = new TestKafka([broker]);
    proxy = await FaultProxy.before(broker);
    log = await kafka.open({ brokers: [proxy.address], tuning });
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
  });
  afterEach(async () => {
    await kafka.close();
    await proxy.close();
  });

  it('and loses the acknowledgement of an append has it once', async () => {
    await log.append(TOPIC, trades(1));
    for (let sequence = 2; sequence <= 6; sequence++) {
      const lost = proxy.loseAnswer(({ apiKey }) => apiKey === PRODUCE);
      const appended = log.append(TOPIC, trades(sequence));
      await lost;
      expect((await appended).records).toMatchObject([{ offset: sequence - 1 }]);
    }
    expect(sequencesOf(await readAll(log, TOPIC))).toEqual(numbers(6));
  });

  it('and is killed again and again loses nothing, keeps the order and doubles nothing', async () => {
    let isOver = false;
    const appends: Promise<unknown>[] = [];
    const appending = (async () => {
      for (let sequence = 1; !isOver; sequence++) {
        appends.push(log.append(TOPIC, trades(sequence)));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const found: number[] = [];
    let nextOffset = 0;
    const reading = (async () => {
      while (!isOver || found.length < appends.length) {
        for (const record of await log.read({ positions: [at(TOPIC, nextOffset)], bytesMax: 1 << 20, waitMs: 100 })) {
          expect(record.offset).toBe(nextOffset);
          nextOffset = record.nextOffset;
          found.push(...sequencesOf([record]));
        }
      }
    })();
    for (let time = 0; time < 4; time++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await proxy.kill();
      await new Promise((resolve) => setTimeout(resolve, 400));
      await proxy.revive();
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    isOver = true;
    await appending;
    await Promise.all(appends);
    await reading;
    expect(found).toEqual(numbers(appends.length));
    expect(appends.length).toBeGreaterThan(50);
  });

  it('and is silent costs the connection, not the append and not the read', async () => {
    await log.append(TOPIC, trades(1));
    expect(sequencesOf(await readAll(log, TOPIC))).toEqual([1]);
    const waiting = log.read({ positions: [at(TOPIC, 1)], bytesMax: 1 << 20, waitMs: 30_000 });
    proxy.freeze();
    const appended = log.append(TOPIC, trades(2));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    proxy.thaw();
    await appended;
    expect(sequencesOf(await waiting)).toEqual([2]);
  });

  it('and resets the connection of a fetch is fetched from again, without a hole', async () => {
    for (const sequence of numbers(40)) await log.append(TOPIC, trades(sequence));
    // A batch, which is a record here, at a time.
    const reader = await kafka.open({ brokers: [proxy.address], tuning: { ...tuning, partitionBytesMax: 1 } });
    const found: number[] = [];
    let resets = 0;
    for (let nextOffset = 0; nextOffset < 40;) {
      void proxy.loseAnswer(({ apiKey }) => apiKey === FETCH).then(() => resets++);
      const records = await reader.read({ positions: [at(TOPIC, nextOffset)], bytesMax: 1 << 20, waitMs: 0 });
      found.push(...sequencesOf(records));
      nextOffset = records.at(-1)?.nextOffset ?? nextOffset;
    }
    expect(found).toEqual(numbers(40));
    expect(resets).toBeGreaterThan(3);
  });

  it('and does not come back makes calls fail, each in its time, and says that they may succeed later', async () => {
    const impatient = await kafka.open({
      brokers: [proxy.address],
      tuning: { ...tuning, patienceMs: 300, deliveryTimeoutMs: 500 },
    });
    await impatient.append(TOPIC, trades(1));
    await proxy.kill();
    const outcomes = await Promise.all(
      [
        impatient.append(TOPIC, trades(2)),
        impatient.append(TOPIC, trades(3)),
        impatient.read({ positions: [at(TOPIC, 1)], bytesMax: 1, waitMs: 0 }),
        impatient.read({ positions: [at(TOPIC, 1)], bytesMax: 1, waitMs: 600 }),
        impatient.offsets([TOPIC]),
        impatient.topics(),
      ].map((call) => Promise.resolve(call).catch((error: unknown) => error)),
    );
    for (const outcome of outcomes) expect(isPortError(outcome, 'unavailable') && outcome.retryable).toBe(true);
    await proxy.revive();
    // What was given up may be there or not; what follows is.
    await until(() =>
      impatient.append(TOPIC, trades(4)).then(
        () => true,
        () => false,
      ),
    );
    expect(sequencesOf(await readAll(log, TOPIC)).at(-1)).toBe(4);
  });

  it('does not keep a log from being closed', async () => {
    await log.join('g', [TOPIC], new Member());
    const waiting = log.read({ positions: [at(TOPIC)], bytesMax: 1, waitMs: 60_000 }).catch((error: unknown) => error);
    proxy.freeze();
    await log.close();
    expect(isPortError(await waiting, 'closed')).toBe(true);
  });
});
