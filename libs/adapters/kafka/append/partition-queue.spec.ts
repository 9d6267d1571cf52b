import { beforeEach, describe, expect, it } from '@jest/globals';
import { tradeBatch } from '@k2/testing/builders';
import { BATCH, recordBatches } from '../protocol/record-batch.ts';
import { PartitionQueue, type SentBatch } from './partition-queue.ts';
import { PendingAppend } from './pending-append.ts';
import { piecesOf } from './pieces.ts';

const TOPIC = { kafkaTopic: 't', topicId: '0'.repeat(32) };
const US = { producerId: 7n, producerEpoch: 0 };
const US_ANEW = { producerId: 8n, producerEpoch: 0 };

describe('PartitionQueue', () => {
  let queue: PartitionQueue;
  beforeEach(() => {
    queue = new PartitionQueue({ topic: 't', partition: 0 }, TOPIC, { compression: 'none', batchBytesMax: 10_000 });
  });

  function append(count: number, dueUs = Infinity): PendingAppend {
    const pending = new PendingAppend(dueUs);
    const batch = tradeBatch({ series: { symbol: 'BHP' }, firstSequence: 1, count });
    const pieces = piecesOf({ kind: 'ticks', batch }, 'tick', 1, 10_000);
    pending.expect(pieces.length);
    for (const piece of pieces) queue.push({ piece, append: pending });
    return pending;
  }

  const headOf = ({ bytes }: SentBatch) => {
    const [{ producerId, recordCount, bytes: batch }] = recordBatches(Buffer.from(bytes));
    return { producerId, recordCount, baseSequence: batch.readInt32BE(BATCH.baseSequence) };
  };

  it('sends a batch that was not settled again as it was: the broker knows it by its sequence', async () => {
    append(3);
    const first = await queue.batch(US, 1);
    append(2);
    expect(await queue.batch(US_ANEW, 2)).toBe(first);
    expect(headOf(first)).toEqual({ producerId: 7n, recordCount: 3, baseSequence: 0 });
  });

  it('counts on within a producer id, and from 0 under another one', async () => {
    const sequences = [];
    for (const identity of [US, US, US_ANEW, US_ANEW]) {
      append(3);
      sequences.push(headOf(await queue.batch(identity, 1)));
      queue.landed(0);
    }
    expect(sequences.map(({ producerId, baseSequence }) => [producerId, baseSequence])).toEqual([
      [7n, 0],
      [7n, 3],
      [8n, 0],
      [8n, 3],
    ]);
  });

  it('says where each append went', async () => {
    const appends = [append(2), append(3)];
    await queue.batch(US, 1);
    queue.landed(40);
    const receipts = await Promise.all(appends.map(({ receipt }) => receipt));
    const topicPartition = { topic: 't', partition: 0 };
    expect(receipts).toEqual([
      { records: [{ topicPartition, offset: 40, rowCount: 2 }] },
      { records: [{ topicPartition, offset: 42, rowCount: 3 }] },
    ]);
  });

  it('uses the sequence of a batch that was refused for its size again, for smaller ones in the same order', async () => {
    append(1);
    await queue.batch(US, 1);
    queue.landed(0);
    const pending = append(4);
    expect(headOf(await queue.batch(US, 1)).recordCount).toBe(4);
    const heads = [];
    let offset = 1;
    expect(queue.shrink()).toBe(true);
    while (!queue.isEmpty) {
      const head = headOf(await queue.batch(US, 1));
      if (head.recordCount > 1 && queue.shrink()) continue;
      heads.push(head);
      queue.landed(offset++);
    }
    expect(heads.map(({ baseSequence }) => baseSequence)).toEqual([1, 2, 3, 4]);
    const { records } = await pending.receipt;
    expect(records.map(({ offset: at, rowCount }) => [at, rowCount])).toEqual([1, 2, 3, 4].map((at) => [at, 1]));
  });

  it('cannot cut a single row', async () => {
    append(1);
    await queue.batch(US, 1);
    expect(queue.shrink()).toBe(false);
    expect(queue.sent).not.toBeNull();
  });

  it('fails the appends of a batch, and goes on with the others', async () => {
    const failed = append(3);
    await queue.batch(US, 1);
    const next = append(200);
    const refused = expect(failed.receipt).rejects.toThrow('given up');
    queue.fail(new Error('given up'));
    await refused;
    for (let offset = 0; !queue.isEmpty; offset += 1_000) {
      await queue.batch(US_ANEW, 1);
      queue.landed(offset);
    }
    expect((await next.receipt).records.reduce((rows, { rowCount }) => rows + rowCount, 0)).toBe(200);
  });
});
