import { expect, it } from '@jest/globals';
import { partitionOf } from '@k2/domain/wire';
import { rejections } from './samples.ts';
import {
  advanced,
  at,
  logRecords,
  mixedTrades,
  placesOf,
  readAll,
  ticksOf,
  trades,
  type TickLogBench,
} from './bench.ts';

export function topicCases(bench: () => TickLogBench): void {
  it('declares a topic once, whoever declares it again', async () => {
    const { log, topicName, framing } = bench();
    const spec = { name: topicName(), partitions: 2, framing };
    const declared = await log.declareTopic(spec);
    expect(declared).toMatchObject(spec);
    expect(await log.declareTopic(spec)).toEqual(declared);
    expect(await log.topics()).toContainEqual(declared);
  });

  it('multiplies partitions, so that series go to new ones only, and never takes any away', async () => {
    const { log, declare, framing } = bench();
    const topic = await declare(2);
    await log.append(topic, trades());
    const [before] = await log.offsets([topic]);
    const grown = await log.declareTopic({ name: topic, partitions: 4, framing });
    expect(grown).toMatchObject({ partitions: 4, topicId: before.topicId });
    expect(await log.offsets([topic])).toHaveLength(4);
    for (const partitions of [1, 6]) {
      await expect(log.declareTopic({ name: topic, partitions, framing })).rejects.toMatchObject({ retryable: false });
    }
    expect(
      (
        await readAll(
          log,
          [0, 1, 2, 3].map((partition) => at(topic, 0, partition)),
        )
      ).length,
    ).toBe(1);
  });

  it('refuses topics that were never declared', async () => {
    const { log, topicName } = bench();
    const topic = topicName();
    const expected = { kind: 'unknown-topic', context: { topic } };
    await expect(log.append(topic, trades())).rejects.toMatchObject(expected);
    await expect(log.read({ positions: [at(topic)], bytesMax: 1, waitMs: 0 })).rejects.toMatchObject(expected);
    await expect(log.offsets([topic])).rejects.toMatchObject(expected);
  });
}

export function appendCases(bench: () => TickLogBench): void {
  it('gives back what was appended, at offsets that rise by one', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const topicPartition = { topic, partition: 0 };
    const [first, second] = [logRecords(bench(), 3), logRecords(bench(), 2)];
    expect(await log.append(topic, trades(1))).toEqual({ records: [{ topicPartition, offset: 0, rowCount: 3 }] });
    expect(await log.append(topic, trades(4, 2))).toEqual({
      records: [{ topicPartition, offset: first, rowCount: 2 }],
    });
    const records = await readAll(log, [at(topic)]);
    expect(ticksOf(records)).toEqual([1, 2, 3, 4, 5].map((sequence) => `BHP:${sequence}`));
    expect(records.every(({ sizeBytes, appendedUs }) => sizeBytes > 0 && appendedUs! > 0)).toBe(true);
    const endOffset = first + second;
    expect(await log.offsets([topic])).toMatchObject([{ ...topicPartition, startOffset: 0, endOffset }]);
  });

  it('accounts for every offset once, and says where each row is', async () => {
    const { log, declare, framing } = bench();
    const topic = await declare();
    for (let i = 0; i < 4; i++) await log.append(topic, trades(i * 3 + 1));
    const records = await readAll(log, [at(topic)]);
    let nextOffset = 0;
    for (const record of records) {
      expect(record.offset).toBe(nextOffset);
      nextOffset = record.nextOffset;
      expect(record.rowOffsets === null).toBe(framing === 'block');
    }
    expect(nextOffset).toBe(4 * logRecords(bench(), 3));
    const offsets = Array.from({ length: 12 }, (_, row) => (framing === 'tick' ? row : Math.floor(row / 3)));
    expect(placesOf(records)).toEqual(offsets.map((offset, row) => `${topic}/0/${offset} BHP:${row + 1}`));
  });

  it('keeps the order of appends that one caller has under way', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const receipts = await Promise.all(Array.from({ length: 200 }, (_, i) => log.append(topic, trades(i + 1, 1))));
    expect(receipts.map(({ records }) => records[0].offset)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(ticksOf(await readAll(log, [at(topic)]))).toEqual(Array.from({ length: 200 }, (_, i) => `BHP:${i + 1}`));
  });

  it('keeps each series in one partition and in order, and loses no row of a split batch', async () => {
    const { log, declare } = bench();
    const topic = await declare(4);
    const symbols = Array.from({ length: 12 }, (_, i) => `SYM${i}`);
    const { records } = await log.append(topic, mixedTrades(symbols, 20));
    expect(records.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(240);
    for (let partition = 0; partition < 4; partition++) {
      const ticks = ticksOf(await readAll(log, [at(topic, 0, partition)]));
      const expected = symbols.filter((symbol) => partitionOf('ASX', symbol, 4) === partition);
      expect(new Set(ticks.map((tick) => tick.split(':')[0]))).toEqual(new Set(expected));
      for (const symbol of expected) {
        const sequences = ticks.filter((tick) => tick.startsWith(`${symbol}:`));
        expect(sequences).toEqual(Array.from({ length: 20 }, (_, i) => `${symbol}:${i + 1}`));
      }
    }
  });
}

export function readCases(bench: () => TickLogBench): void {
  it('waits for the first record', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const waiting = log.read({ positions: [at(topic)], bytesMax: 1 << 20, waitMs: 60_000 });
    await log.append(topic, trades());
    expect(ticksOf(await waiting)).toEqual(['BHP:1', 'BHP:2', 'BHP:3']);
  });

  it('returns nothing when the wait is over or given up', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const request = { positions: [at(topic)], bytesMax: 1 << 20 };
    expect(await log.read({ ...request, waitMs: 20 })).toEqual([]);
    const abort = new AbortController();
    const waiting = log.read({ ...request, waitMs: 60_000 }, abort.signal);
    abort.abort();
    expect(await waiting).toEqual([]);
    expect(await log.read({ ...request, waitMs: 60_000 }, abort.signal)).toEqual([]);
  });
}

/** Of logs where an append makes a record that stays one; runs of ticks are cut as they come. */
export function blockCases(bench: () => TickLogBench): void {
  it('carries rejections beside ticks', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const payload = { kind: 'rejections' as const, rejections };
    expect((await log.append(topic, payload)).records).toMatchObject([{ rowCount: rejections.length }]);
    expect((await readAll(log, [at(topic)])).map((record) => record.payload)).toEqual([payload]);
  });

  it('returns one record at least, and else stops before bytesMax', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    for (let i = 0; i < 5; i++) await log.append(topic, trades(i * 3 + 1));
    const positions = [at(topic)];
    const one = await log.read({ positions, bytesMax: 1, waitMs: 0 });
    expect(one.map(({ offset }) => offset)).toEqual([0]);
    const all = await readAll(log, positions);
    const bytesMax = all[0].sizeBytes + all[1].sizeBytes;
    const some = await log.read({ positions, bytesMax, waitMs: 0 });
    expect(some.map(({ offset }) => offset)).toEqual([0, 1]);
  });

  it('starves no partition, however small bytesMax is', async () => {
    const { log, declare } = bench();
    const topics = [await declare(), await declare(), await declare()];
    for (const topic of topics) for (let i = 0; i < 20; i++) await log.append(topic, trades(i + 1, 1));
    let positions = topics.map((topic) => at(topic));
    for (let i = 0; i < 30; i++) positions = advanced(positions, await log.read({ positions, bytesMax: 1, waitMs: 0 }));
    expect(positions.reduce((sum, { nextOffset }) => sum + nextOffset, 0)).toBe(30);
    expect(Math.min(...positions.map(({ nextOffset }) => nextOffset))).toBeGreaterThan(0);
  });
}
