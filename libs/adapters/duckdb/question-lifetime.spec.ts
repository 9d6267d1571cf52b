import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ScanPlan } from '@k2/ports';
import { DAY_START_US, placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import { DuckDbQueryEngine } from './duckdb-query-engine.ts';
import { DUCKDB_QUERY_ENGINE_DEFAULTS, type DuckDbQueryEngineConfig } from './engine-config.ts';
import { EnginePool } from './engine-pool.ts';
import { EngineProcess } from './engine-process.ts';
import { sql, ticks } from './test-support/fixture.ts';
import { LocalLake } from './test-support/local-lake.ts';

const ASK = { timeoutMs: 60_000 };
const FILE_ROWS = 25_000;
const ALL_ROWS = 3 * FILE_ROWS;
/** Several batches: an engine process waits for the reader of it. */
const LONG = 'SELECT i FROM range(1000000) AS t(i)';

describe('a question', () => {
  let lake: LocalLake;
  let plans: readonly ScanPlan[];
  let engine: DuckDbQueryEngine;
  beforeAll(async () => {
    lake = await LocalLake.create();
    const file = (at: number) =>
      placed(tradeBatch({ count: FILE_ROWS, firstSequence: at * FILE_ROWS, startUs: DAY_START_US + at * 100_000_000 }));
    plans = await lake.plansFor(plannedRows({ ticks: [file(0), file(1), file(2)] }));
  }, 60_000);
  afterEach(() => engine.close());
  afterAll(() => lake.close());

  const engineWith = (config: Partial<DuckDbQueryEngineConfig>, objectStore = lake.objectStore) => {
    // None is cut for idleness unless a test says so: the machine may be slow.
    const given = { typedProcesses: 1, sqlProcesses: 1, idleMsMax: 120_000, ...config };
    engine = new DuckDbQueryEngine({ objectStore, config: given });
    return engine.warm();
  };

  it('is settled if its process died before it ran', async () => {
    await engineWith({});
    const dead = await EngineProcess.start('sql', DUCKDB_QUERY_ENGINE_DEFAULTS);
    await dead.end();
    const deaths: unknown[] = [];
    const listener = { onReply: () => {}, onDeath: (error: unknown) => deaths.push(error) };
    await dead.run({ question: sql('SELECT 1'), scans: [] }, listener);
    expect(deaths).toEqual([expect.objectContaining({ kind: 'unavailable', retryable: true })]);
  });

  it('gets no process that the question before had killed, though its end is not seen yet', async () => {
    await engineWith({});
    const pool = new EnginePool('sql', 1, DUCKDB_QUERY_ENGINE_DEFAULTS);
    const signal = new AbortController().signal;
    const before = await pool.lease(signal, () => {});
    before.process.kill();
    before.release();
    const next = await pool.lease(signal, () => {});
    expect(next.process === before.process).toBe(false);
    expect(next.process.isAlive).toBe(true);
    await pool.close();
  });

  it('gets another process if its own dies while its files are fetched', async () => {
    let fetching = Promise.withResolvers<void>();
    let fetched = Promise.withResolvers<void>();
    const { objectStore } = lake;
    const localFile = (key: string) => {
      fetching.resolve();
      return fetched.promise.then(() => objectStore.localFile(key));
    };
    await engineWith({}, { ...objectStore, localFile });
    for (let round = 0; round < 3; round++) {
      fetching = Promise.withResolvers();
      fetched = Promise.withResolvers();
      const asked = engine.ask(sql('SELECT count(*) AS n FROM trades'), plans, ASK);
      await fetching.promise;
      await killed(processes('sql'));
      fetched.resolve();
      expect(await answerRows(await asked)).toEqual([{ n: ALL_ROWS }]);
    }
    expect(lake.filesInUse).toBe(0);
  });

  it('has its files fetched no further once its caller has left or its deadline has passed', async () => {
    const fetching = Promise.withResolvers<void>();
    const ended: unknown[] = [];
    const localFile = (_key: string, signal?: AbortSignal) => {
      fetching.resolve();
      return new Promise<never>((_, reject) =>
        signal?.addEventListener('abort', () => {
          ended.push((signal.reason as { kind?: unknown }).kind);
          reject(signal.reason);
        }),
      );
    };
    await engineWith({}, { ...lake.objectStore, localFile });
    const caller = new AbortController();
    const left = engine.ask(ticks(), plans, { ...ASK, signal: caller.signal });
    await Promise.all([
      fetching.promise.then(() => caller.abort()),
      expect(left).rejects.toMatchObject({ kind: 'cancelled' }),
    ]);
    await expect(engine.ask(ticks(), plans, { timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout' });
    expect(new Set(ended)).toEqual(new Set(['cancelled', 'timeout']));
    expect(ended).toHaveLength(6);
  });

  it('is answered again after processes are killed at any moment', async () => {
    await engineWith({});
    let isOver = false;
    const kinds = new Set<unknown>();
    const asking = [0, 1].map(async () => {
      while (!isOver) {
        await engine.ask(sql('SELECT count(*) AS n FROM trades'), plans, ASK).then(answerRows, (error: Error) => {
          kinds.add((error as { kind?: unknown }).kind);
        });
      }
    });
    for (let kill = 0; kill < 15; kill++) {
      await sleep(20 + 13 * (kill % 7));
      // A process killed in the round before may still be listed, and be gone by now.
      for (const pid of processes('sql')) if (exists(pid)) process.kill(pid, 'SIGKILL');
    }
    isOver = true;
    await Promise.all(asking);
    expect([...kinds].filter((kind) => kind !== 'unavailable')).toEqual([]);
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    expect(lake.filesInUse).toBe(0);
  }, 60_000);

  it('holds nothing once its answer is disposed of unread', async () => {
    await engineWith({});
    for (let round = 0; round < 3; round++) {
      await (await engine.ask(ticks({ limit: ALL_ROWS }), plans, ASK))[Symbol.asyncDispose]();
      await (await engine.ask(sql(LONG, 1_000_000), plans, ASK))[Symbol.asyncDispose]();
      expect(lake.filesInUse).toBe(0);
    }
    expect(await answerRows(await engine.ask(ticks(), plans, { timeoutMs: 5_000 }))).toHaveLength(100);
  });

  it('is one question over several waves of files: one process, also if others wait', async () => {
    await engineWith({ waitingMax: 1 });
    const spans = [0, 1, 2].map((day) => ({ minUs: day * 100, maxUs: day * 100 + 99 }));
    const spanned = plans.map((plan) => ({
      ...plan,
      files: plan.files.map((file, at) => ({ ...file, timeSpan: spans[at] })),
    }));
    const answer = await engine.ask(ticks({ limit: ALL_ROWS }), spanned, ASK);
    // The queue is full: a later wave that queued again would be refused.
    const waiting = engine.ask(ticks({ limit: 1 }), spanned, ASK);
    expect(await answerRows(answer)).toHaveLength(ALL_ROWS);
    expect(await answerRows(await waiting)).toHaveLength(1);
    expect(lake.filesInUse).toBe(0);
  });

  it('has one deadline over all its waves, less what its answer spent before', async () => {
    await engineWith({});
    const late = engine.ask(ticks({ limit: ALL_ROWS }), plans, { timeoutMs: 20_000, spentMs: 20_000 });
    await expect(late.then(answerRows)).rejects.toMatchObject({ kind: 'timeout', context: { timeoutMs: 20_000 } });
  });

  it('whose planning takes no notice of an interrupt ends at its deadline, with its process', async () => {
    await engineWith({ killGraceMs: 50 });
    const [before] = processes('sql');
    const bombs = [
      // Of constants: computed while it is planned, for hours.
      "SELECT levenshtein(repeat('a', 10000000), repeat('b', 10000000))",
      `PIVOT (SELECT i, i AS j FROM range(1000) t(i)) ON j IN (${Array.from({ length: 15_000 }, (_, i) => i).join()}) USING count(*)`,
    ];
    for (const bomb of bombs) {
      const asked = engine.ask(sql(bomb), plans, { timeoutMs: 300 });
      await expect(asked).rejects.toMatchObject({ kind: 'timeout', context: { timeoutMs: 300 } });
      expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    }
    expect(exists(before)).toBe(false);
    expect(lake.filesInUse).toBe(0);
  }, 60_000);

  it('that nobody reads lets those have its process who wait, and goes on when it is read', async () => {
    await engineWith({ stallMs: 50 });
    const stalled = await engine.ask(ticks({ limit: ALL_ROWS }), plans, ASK);
    expect(await answerRows(await engine.ask(ticks(), plans, ASK))).toHaveLength(100);
    const stalledSql = await engine.ask(sql(LONG, 1_000_000), plans, ASK);
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    expect(await answerRows(stalled)).toHaveLength(ALL_ROWS);
    expect(await answerRows(stalledSql)).toHaveLength(1_000_000);
    await engine.close();
    expect(processes()).toEqual([]);
  }, 60_000);

  it('that has not been read for longest is cut when too many are not read', async () => {
    await engineWith({ stallMs: 20, stalledMax: 2 });
    const stalled = [];
    for (let i = 0; i < 4; i++) {
      // It gets the process of the one before as soon as that has not been read for so long.
      stalled.push(await engine.ask(ticks({ limit: ALL_ROWS }), plans, ASK));
    }
    expect(await answerRows(await engine.ask(ticks(), plans, ASK))).toHaveLength(100);
    const outcomes = await Promise.allSettled(stalled.map((answer) => answerRows(answer)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[0]).toMatchObject({ reason: { kind: 'timeout', message: /had not been read for \d+ ms/ } });
    await engine.close();
    expect(processes()).toEqual([]);
  }, 60_000);

  it('is cut if it is not read for the time stated', async () => {
    await engineWith({ stallMs: 20, idleMsMax: 100 });
    const idle = await engine.ask(ticks({ limit: ALL_ROWS }), plans, ASK);
    await sleep(200);
    await expect(answerRows(idle)).rejects.toMatchObject({ kind: 'timeout', context: { idleMsMax: 100 } });
    await idle[Symbol.asyncDispose]();
    expect(lake.filesInUse).toBe(0);
  });

  it('after one that ran out of memory does not answer for it', async () => {
    await engineWith({ memoryBytesMax: 400_000_000 });
    const bomb =
      'SELECT sum(i) OVER (ORDER BY hash(i) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM range(300000000) t(i)';
    for (let round = 0; round < 2; round++) {
      await expect(engine.ask(sql(bomb), plans, ASK)).rejects.toMatchObject({ kind: 'out-of-memory' });
      expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    }
  }, 60_000);

  it('gets no process that still holds what the question before took', async () => {
    await engineWith({ memoryBytesMax: 500_000_000 });
    const [before] = processes('sql');
    // 180 MB of strings, made and sent faster than memory is sampled.
    const large = "SELECT repeat('x', 60000) AS text FROM range(3000) AS t(i)";
    expect(await answerRows(await engine.ask(sql(large, 3_000), plans, ASK))).toHaveLength(3_000);
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    expect(processes('sql')).not.toContain(before);
  });

  it('gets the process of the one before if that left little', async () => {
    await engineWith({ memoryBytesMax: 500_000_000 });
    const before = processes('sql');
    for (let round = 0; round < 5; round++)
      expect(await answerRows(await engine.ask(ticks(), plans, ASK))).toHaveLength(100);
    expect(processes('sql')).toEqual(before);
  });

  /** Resolves once they are gone and Node has heard of it: until then even a dead process has its number. */
  async function killed(pids: readonly number[]): Promise<void> {
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    while (pids.some(exists)) await sleep(1);
  }

  function exists(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  function processes(mode = ''): readonly number[] {
    const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    return table
      .split('\n')
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
      .filter((match) => match !== null)
      .filter(
        ([, , ppid, args]) => Number(ppid) === process.pid && args.includes('engine-child') && args.includes(mode),
      )
      .map(([, pid]) => Number(pid));
  }
});
