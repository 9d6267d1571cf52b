import { describe, expect, it } from '@jest/globals';
import { AppendQueue, type AppendQueueOptions, type EncodedRecord } from './append-queue.ts';

/** A disk whose writes end when the test says so; offsets count up over all of them. */
class ManualDisk {
  readonly groups: string[][] = [];
  private readonly pending: { readonly finish: () => void; readonly fail: (error: Error) => void }[] = [];
  private offset = 0;

  readonly write = (records: readonly EncodedRecord[]): Promise<number[]> => {
    this.groups.push(records.map(({ payload }) => String(payload[0])));
    return new Promise((resolve, reject) =>
      this.pending.push({ finish: () => resolve(records.map(() => this.offset++)), fail: reject }),
    );
  };

  async finishOne(error?: Error): Promise<void> {
    const { finish, fail } = this.pending.shift()!;
    if (error === undefined) finish();
    else fail(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('AppendQueue', () => {
  const disk = () => new ManualDisk();
  const queueOn = (on: ManualDisk, options: Partial<AppendQueueOptions> = {}) =>
    new AppendQueue({ queuedBytesMax: 1_000, groupBytesMax: 500, admit: () => 'now', write: on.write, ...options });
  const record =
    (name: number, bytes = 100) =>
    () => [{ partitionKey: 1, payload: new Uint8Array(bytes).fill(name) }];

  it('writes what arrives during two transactions in the next one, up to the bytes of a group', async () => {
    const on = disk();
    const queue = queueOn(on);
    const offsets = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((name) => queue.push(record(name))));
    expect(on.groups).toEqual([['1'], ['2']]);
    await on.finishOne();
    expect(on.groups.slice(2)).toEqual([['3', '4', '5', '6', '7']]);
    await on.finishOne();
    await on.finishOne();
    await on.finishOne();
    expect(await offsets).toEqual([[0], [1], [2], [3], [4], [5], [6], [7]]);
  });

  it('does not even encode beyond its bound, and loses nothing by it', async () => {
    const on = disk();
    const queue = queueOn(on, { queuedBytesMax: 250 });
    let encoded = 0;
    const offsets = Promise.all(Array.from({ length: 10 }, (_, i) => queue.push(() => (encoded++, record(i)()))));
    expect(encoded).toBe(3);
    expect(queue.queuedBytes).toBe(300);
    while (encoded < 10 || queue.queuedBytes > 0) {
      await on.finishOne();
      expect(queue.queuedBytes).toBeLessThanOrEqual(300);
    }
    expect((await offsets).flat()).toEqual(Array.from({ length: 10 }, (_, i) => i));
  });

  it('takes an append larger than any bound, alone', async () => {
    const on = disk();
    const append = queueOn(on, { queuedBytesMax: 10 }).push(record(1, 5_000));
    await on.finishOne();
    expect(await append).toEqual([0]);
  });

  it('lets an append wait while space is being freed, and those behind it too', async () => {
    const on = disk();
    let admitted: 'now' | 'later' = 'later';
    const queue = queueOn(on, { admit: () => admitted });
    const appends = Promise.all([queue.push(record(1)), queue.push(record(2))]);
    expect(on.groups).toEqual([]);
    admitted = 'now';
    queue.pump();
    expect(on.groups).toEqual([['1', '2']]);
    await on.finishOne();
    expect(await appends).toEqual([[0], [1]]);
  });

  it('fails only the appends of a failed transaction or encoding', async () => {
    const on = disk();
    const queue = queueOn(on);
    const outcomes = Promise.allSettled([
      queue.push(record(1)),
      queue.push(record(2)),
      queue.push(() => {
        throw new RangeError('cannot be encoded');
      }),
      queue.push(record(4)),
    ]);
    await on.finishOne(new Error('disk full'));
    await on.finishOne();
    await on.finishOne();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(queue.queuedBytes).toBe(0);
  });

  it('is idle when everything is settled', async () => {
    const on = disk();
    const queue = queueOn(on);
    await queue.idle();
    void queue.push(record(1));
    let isIdle = false;
    const idle = queue.idle().then(() => (isIdle = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isIdle).toBe(false);
    await on.finishOne();
    await idle;
  });
});
