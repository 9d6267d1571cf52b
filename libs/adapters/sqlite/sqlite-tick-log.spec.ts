import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { splitPayload } from '@k2/domain/wire';
import { PortError } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { SqliteClient } from './sqlite-client.ts';
import { SqliteTickLog, type SqliteTickLogOptions } from './sqlite-tick-log.ts';

describe('SqliteTickLog', () => {
  let directory: string;
  let logs: SqliteTickLog[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'k2-log-'));
    logs = [];
  });
  afterEach(async () => {
    for (const log of logs) await log.close();
    await rm(directory, { recursive: true });
  });

  const path = () => join(directory, 'log.db');
  const open = async (options: Partial<SqliteTickLogOptions> = {}) => {
    const log = await SqliteTickLog.open({
      clock: { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 },
      path: path(),
      scheduler: {
        sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
        yield: () => sleep(0),
      },
      random: { next: () => 0.5, uuid: () => randomUUID(), int63: () => 1n },
      ...options,
    });
    logs.push(log);
    return log;
  };
  const ticks = (count: number) => ({ kind: 'ticks' as const, batch: tradeBatch({ count }) });

  it('takes far more appends than its queue holds: they wait, and keep their order', async () => {
    const log = await open({ queuedBytesMax: 1_000 });
    await log.declareTopic({ name: 't', partitions: 1, framing: 'block' });
    const receipts = await Promise.all(Array.from({ length: 300 }, () => log.append('t', ticks(20))));
    expect(receipts.map(({ records }) => records[0].offset)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  it('refuses, naming the partition, the append that would lie among the records of another one', async () => {
    const declared = await open();
    await declared.declareTopic({ name: 't', partitions: 2, framing: 'block' });
    await declared.close();
    const db = new DatabaseSync(path());
    db.exec(`UPDATE partitions SET start_offset = ${2 ** 37 - 1}, end_offset = ${2 ** 37 - 1} WHERE partition = 0`);
    db.close();
    const log = await open();
    const payloads = Array.from({ length: 50 }, (_, i) => ({
      kind: 'ticks' as const,
      batch: tradeBatch({ series: { symbol: `S${i}` } }),
    }));
    const append = (partition: number) =>
      log.append(
        't',
        payloads.find((payload) => splitPayload(payload, 2)[0].partition === partition)!,
      );
    expect((await append(0)).records).toMatchObject([{ offset: 2 ** 37 - 1 }]);
    await expect(append(0)).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining('t/0 has 137438953472 records'),
      context: { topic: 't', partition: 0 },
    });
    expect((await append(1)).records).toMatchObject([{ offset: 0 }]);
    const positions = [2 ** 37 - 1, 0].map((nextOffset, partition) => ({ topic: 't', partition, nextOffset }));
    expect(await log.read({ positions, bytesMax: 1_000_000, waitMs: 0 })).toHaveLength(2);
  });

  it('uses the space of trimmed records again', async () => {
    const log = await open({ bytesMax: 400_000 });
    await log.declareTopic({ name: 't', partitions: 1, framing: 'block' });
    const payload = ticks(2_000);
    for (let i = 0; i < 200; i++) {
      const { records } = await log.append('t', payload);
      await log.trim([{ topic: 't', partition: 0, nextOffset: records[0].offset }]);
    }
    await log.close();
    expect((await stat(path())).size).toBeLessThan(4_000_000);
  });

  it('finishes deleting after a restart, so that a full log takes appends again', async () => {
    const log = await open({ bytesMax: 200_000 });
    await log.declareTopic({ name: 't', partitions: 1, framing: 'block' });
    let appended = 0;
    for (
      ;
      await log.append('t', ticks(500)).then(
        () => true,
        () => false,
      );
    )
      appended++;
    expect(appended).toBeGreaterThan(2);
    // Closed before anything could be deleted.
    const trimming = log.trim([{ topic: 't', partition: 0, nextOffset: appended }]);
    const closing = log.close();
    await trimming;
    await closing;
    const reopened = await open({ bytesMax: 200_000 });
    expect((await reopened.append('t', ticks(500))).records[0].offset).toBe(appended);
  });

  it('is full no longer than it cannot delete what was trimmed, says so meanwhile, and asks for no further trim', async () => {
    const call = SqliteClient.prototype.call;
    const diskIsFull = new PortError('unavailable', 'database or disk is full');
    let failures = 0;
    const spy = jest.spyOn(SqliteClient.prototype, 'call').mockImplementation(function (
      this: SqliteClient<'log'>,
      ...args: Parameters<typeof call>
    ) {
      return (args[0] as string) === 'reclaim' && failures-- > 0
        ? Promise.reject(diskIsFull)
        : call.apply(this, args as never);
    } as typeof call);
    try {
      const log = await open({ bytesMax: 100_000 });
      await log.declareTopic({ name: 't', partitions: 1, framing: 'block' });
      const refusalOf = async () => log.append('t', ticks(2_000)).catch((error: unknown) => error as PortError);
      let [last, refusal] = [0, await refusalOf()];
      for (; !(refusal instanceof Error); refusal = await refusalOf()) last = refusal.records[0].offset;
      expect(refusal).toMatchObject({ kind: 'log-full', message: expect.stringContaining('let the sink catch up') });

      failures = 2;
      await log.trim([{ topic: 't', partition: 0, nextOffset: last + 1 }]);
      const meanwhile = { kind: 'log-full', retryable: true, message: expect.stringContaining('disk is full') };
      expect(await refusalOf()).toMatchObject(meanwhile);
      for (refusal = await refusalOf(); refusal instanceof Error; refusal = await refusalOf()) await sleep(10);
      expect(refusal.records[0].offset).toBe(last + 1);
    } finally {
      spy.mockRestore();
    }
  });

  it('refuses a log that is open already, one that is damaged, and one in no directory', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('second server'),
    });
    const damaged = join(directory, 'damaged.db');
    await writeFile(damaged, 'x'.repeat(50_000));
    await expect(open({ path: damaged })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('damaged'),
    });
    const nowhere = join(directory, 'no', 'log.db');
    await expect(open({ path: nowhere })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining(nowhere),
    });
  }, 20_000);
});
