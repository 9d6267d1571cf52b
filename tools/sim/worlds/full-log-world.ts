import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ManualClock, ManualScheduler, SeededRandom } from '@k2/adapter-memory';
import { SqliteTickLog } from '@k2/adapter-sqlite';
import { isPortError, PortError } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { SeededChance, Trace, type WorldReport } from '@k2/testing/simulation';

const TOPIC = 'market.equities.trades.asx';
/** Attempts, a second of simulated time apart, after which a log that was trimmed has room again. */
const ATTEMPTS_MAX = 60;

/**
 * A log on disk that is full, is trimmed, and whose disk then refuses to delete for a while. It must take appends again
 * without any further trim: the sink has committed all there is, and will not ask for one.
 */
export async function runFullLogWorld(seed: number, tracesLines: boolean): Promise<WorldReport> {
  const directory = await mkdtemp(join(tmpdir(), 'k2-sim-'));
  try {
    return await inDirectory(seed, join(directory, 'log.db'), tracesLines);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function inDirectory(seed: number, path: string, tracesLines: boolean): Promise<WorldReport> {
  const chance = SeededChance.named(seed, 'full log world');
  const clock = new ManualClock();
  const scheduler = new ManualScheduler(clock);
  const trace = new Trace(() => Math.round(clock.monotonicUs() / 1_000), tracesLines);
  const violations: string[] = [];
  const bytesMax = chance.limit(2_000, 60_000);
  const log = await SqliteTickLog.open({ path, clock, scheduler, random: new SeededRandom(seed), bytesMax });
  const disk = new FailingDisk(log);
  const rounds = 1 + chance.below(4);
  const refusals: number[] = [];
  try {
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    const batch = tradeBatch({ count: chance.limit(1, 64) });
    const append = async () => {
      try {
        await log.append(TOPIC, { kind: 'ticks', batch });
        trace.step('feed', 'appends');
        return true;
      } catch (error) {
        if (!isPortError(error, 'log-full')) throw error;
        trace.step('feed', 'is told that the log is full');
        return false;
      }
    };
    for (let round = 0; round < rounds; round++) {
      while (await append());
      const [{ startOffset, endOffset }] = await log.offsets([TOPIC]);
      const nextOffset = chance.happens(0.5) ? endOffset : startOffset + 1 + chance.below(endOffset - startOffset);
      disk.failuresLeft = chance.limit(0, 6);
      refusals.push(disk.failuresLeft);
      await log.trim([{ topic: TOPIC, partition: 0, nextOffset }]);
      await disk.settled();
      trace.step('sink', `trims up to ${nextOffset} of ${endOffset}`);
      let attempts = 0;
      while (!(await append()) && attempts < ATTEMPTS_MAX) {
        attempts++;
        await scheduler.advance(1_000);
        await disk.settled();
      }
      if (attempts === ATTEMPTS_MAX) {
        violations.push(`the log was trimmed to ${nextOffset} of ${endOffset}, and is full ${ATTEMPTS_MAX} s later`);
        break;
      }
    }
  } finally {
    await log.close();
  }
  return {
    seed,
    violations,
    drawn: `bytesMax ${bytesMax}, refused deletions ${refusals.join(', ')}`,
    steps: trace.steps,
    lastedMs: clock.monotonicUs() / 1_000,
    hash: trace.hash,
    lines: trace.lines,
  };
}

/** A disk that has no room to delete in. Nothing but the log's own database could tell it so. */
class FailingDisk {
  failuresLeft = 0;
  private readonly pending = new Set<Promise<unknown>>();

  constructor(log: SqliteTickLog) {
    const client = Reflect.get(log, 'client') as { call(name: string, ...rest: unknown[]): Promise<unknown> };
    const call = client.call.bind(client);
    client.call = async (name, ...rest) => {
      if (name === 'reclaim' && this.failuresLeft > 0) {
        this.failuresLeft--;
        throw new PortError('unavailable', 'database or disk is full');
      }
      const reply = call(name, ...rest);
      this.pending.add(reply);
      return reply.finally(() => this.pending.delete(reply));
    };
  }

  /** The thread has nothing to do, in real time: simulated time does not wait for it. */
  async settled(): Promise<void> {
    while (this.pending.size > 0) {
      await Promise.allSettled(this.pending);
      await setImmediate();
    }
  }
}
