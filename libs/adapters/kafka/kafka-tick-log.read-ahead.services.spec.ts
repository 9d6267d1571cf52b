import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attributes, Telemetry } from '@k2/ports';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import { silent } from './test-support/real-time.ts';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { at, sequencesOf, until } from './test-support/ticks.ts';

const ROWS = 500;
const BLOCKS = 60;
/** One block. */
const BATCH_BYTES_MAX = 12_000;
const AHEAD_BYTES_MAX = 300_000;

describe('reading ahead', () => {
  let kafka: TestKafka;
  let aheadBytes: () => number;
  let fetchedBytes: number;
  beforeEach(() => {
    kafka = new TestKafka(service('kafka').brokers);
    fetchedBytes = 0;
  });
  afterEach(() => kafka.close());

  async function filled() {
    const telemetry: Telemetry = {
      ...silent,
      counter: (name) => ({
        add: (value) => {
          if (name === 'k2_kafka_fetched_bytes') fetchedBytes += value;
        },
      }),
      gauge: (name, _description, read: () => Iterable<readonly [number, Attributes]>) => {
        if (name === 'k2_kafka_read_ahead_bytes') aheadBytes = () => [...read()][0][0];
      },
    };
    const tuning = { readAheadBytesMax: AHEAD_BYTES_MAX, batchBytesMax: BATCH_BYTES_MAX, partitionBytesMax: 20_000 };
    const log = await kafka.open({ telemetry, tuning, rule: { compression: 'none' } });
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    const batches = Array.from({ length: BLOCKS }, (_, i) =>
      tradeBatch({ series: { symbol: 'BHP' }, firstSequence: i * ROWS + 1, count: ROWS }),
    );
    await Promise.all(batches.map((batch) => log.append(TOPIC, { kind: 'ticks', batch })));
    expect(await log.offsets([TOPIC])).toMatchObject([{ endOffset: BLOCKS }]);
    return log;
  }

  it('holds no more memory than it may, however long the reader takes, and goes on when it comes back', async () => {
    const log = await filled();
    const found: number[] = [];
    let nextOffset = 0;
    let mostBytes = 0;
    while (nextOffset < BLOCKS) {
      const records = await log.read({ positions: [at(TOPIC, nextOffset)], bytesMax: 1, waitMs: 0 });
      found.push(...sequencesOf(records));
      nextOffset = records.at(-1)?.nextOffset ?? nextOffset;
      // Time to read further ahead than allowed.
      await new Promise((resolve) => setTimeout(resolve, 10));
      mostBytes = Math.max(mostBytes, aheadBytes());
    }
    expect(found).toEqual(Array.from({ length: ROWS * BLOCKS }, (_, i) => i + 1));
    expect(mostBytes).toBeGreaterThan(AHEAD_BYTES_MAX / 2);
    // What one partition's share of a fetch decodes to comes on top.
    expect(mostBytes).toBeLessThan(AHEAD_BYTES_MAX + 200_000);
    expect(aheadBytes()).toBe(0);
  });

  it('is thrown away when positions jump, and what is then read is from there', async () => {
    const log = await filled();
    const read = async (nextOffset: number) => {
      const [record] = await log.read({ positions: [at(TOPIC, nextOffset)], bytesMax: 1, waitMs: 0 });
      return record.offset;
    };
    for (const nextOffset of [0, 1, 2, 40, 41, 5, 59, 0]) expect(await read(nextOffset)).toBe(nextOffset);
  });

  it('is of each reader its own: readers at different places do not disturb each other', async () => {
    const log = await filled();
    const reader = async (from: number) => {
      const offsets: number[] = [];
      for (let nextOffset = from; nextOffset < BLOCKS;) {
        const records = await log.read({ positions: [at(TOPIC, nextOffset)], bytesMax: 10_000, waitMs: 0 });
        offsets.push(...records.map(({ offset }) => offset));
        nextOffset = records.at(-1)!.nextOffset;
      }
      return offsets;
    };
    const starts = [0, 20, 40];
    const all = await Promise.all(starts.map(reader));
    starts.forEach((from, i) => expect(all[i]).toEqual(Array.from({ length: BLOCKS - from }, (_, k) => from + k)));
  });

  it('does not begin for someone who reads once', async () => {
    const log = await filled();
    await log.read({ positions: [at(TOPIC)], bytesMax: 1, waitMs: 0 });
    await until(() => fetchedBytes > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(fetchedBytes).toBeLessThan(60_000);
  });
});
