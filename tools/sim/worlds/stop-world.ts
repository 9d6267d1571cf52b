import { MemoryQueryEngine, memoryWorld } from '@k2/adapter-memory';
import { Closing, Dependencies, Platform, readSettings, stopAndClose } from '@k2/composition';
import { parseTopicRules } from '@k2/domain/wire';
import { PortError } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { SeededChance, Trace, type WorldReport } from '@k2/testing/simulation';

const TOPIC = 'market.equities.trades.asx';
const CLOSED = ['lock', 'store', 'log'] as const;
const HOWS = ['well', 'fails', 'hangs'] as const;
type How = (typeof HOWS)[number];
/** A step of closing is begun also when the time is over. */
const STEP_MS = 50;
/** What was cut off may finish what it is at: a sink tries its last commit for so long. */
const GRACE_MS = 30_000;

/**
 * A process that is told to stop while its log or its store fails or hangs, as does the closing of some of what it
 * opened. It must end in the time it has, begin to close all of it, the last opened first, and leave nothing running but
 * what waits for a call that hangs: that ends with the process.
 */
export async function runStopWorld(seed: number, tracesLines: boolean): Promise<WorldReport> {
  const chance = SeededChance.named(seed, 'stop world');
  const { createLog, store, clock, random, scheduler, telemetry, advance } = await memoryWorld(seed);
  const trace = new Trace(() => Math.round(clock.monotonicUs() / 1_000), tracesLines);
  const violations: string[] = [];
  const [logIs, storeIs] = [chance.pick(HOWS), chance.pick(HOWS)];
  const closes = CLOSED.map((name) => ({ name, how: chance.happens(0.5) ? ('well' as const) : chance.pick(HOWS) }));
  let isStopping = false;
  const calls = { count: 0 };
  const treated = <Port extends object>(name: string, port: Port, how: How): Port =>
    new Proxy(port, {
      get: (of, key) => {
        const member: unknown = Reflect.get(of, key);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          calls.count++;
          trace.step('process', `${name}.${String(key)}`);
          if (isStopping && how === 'hangs') return new Promise(() => {});
          if (isStopping && how === 'fails') return Promise.reject(new PortError('unavailable', 'away', {}, AGAIN));
          return member.apply(of, args) as unknown;
        };
      },
    });
  const log = treated('log', createLog(Infinity), logIs);
  const seen = treated('store', store, storeIs);
  await log.declareTopic({ name: TOPIC, partitions: chance.limit(1, 4), framing: 'block' });

  const settings = {
    ...readSettings({ role: 'ingest,sink' }, {}),
    drainTimeoutMs: chance.limit(1, 5_000),
    closeTimeoutMs: chance.limit(1_000, 20_000),
    flushIntervalMs: chance.limit(1, 2_000),
  };
  const dependencies = new Dependencies({ clock, scheduler, telemetry });
  dependencies.add('log', 'the rest', () => log.topics());
  const engine = new MemoryQueryEngine({ store, clock });
  const ports = { log, dedup: null, store: seen, maintenance: null, engine, clock, random, scheduler, telemetry };
  const platform = new Platform(ports, settings, [], parseTopicRules({ rules: [] }), dependencies);
  const closing = new Closing({ clock, scheduler }, settings.closeTimeoutMs / 4);
  const begun: string[] = [];
  const begin = (name: string, how: How): unknown => {
    begun.push(name);
    trace.step('process', `closes ${name}: ${how}`);
    if (how === 'fails') throw new Error(`${name} can't be closed`);
    return how === 'hangs' ? new Promise(() => {}) : undefined;
  };
  for (const { name, how } of closes) closing.add(name, () => begin(name, how));

  platform.start();
  for (let batch = chance.limit(1, 20); batch > 0; batch--) {
    await log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ count: chance.limit(1, 20) }) });
    await advance(chance.below(300));
  }
  isStopping = true;
  let isEnded = false;
  void stopAndClose(platform, closing)
    .catch((error: Error) => trace.step('process', `says: ${error.message}`))
    .finally(() => (isEnded = true));
  const { drainTimeoutMs, closeTimeoutMs } = settings;
  const mostMs = drainTimeoutMs + closeTimeoutMs + STEP_MS * CLOSED.length;
  let passedMs = 0;
  for (; !isEnded && passedMs < mostMs + 1_000; passedMs += 50) await advance(50);
  if (!isEnded) violations.push(`the process was told to stop, has ${mostMs} ms for it, and has not ended`);
  const wanted = CLOSED.toReversed().join(', ');
  if (isEnded && begun.join(', ') !== wanted) violations.push(`closed ${begun.join(', ')}: expected ${wanted}`);
  await advance(GRACE_MS);
  const callsBefore = calls.count;
  await advance(GRACE_MS);
  const isCutOff = logIs === 'hangs' || storeIs === 'hangs';
  if (!isCutOff && calls.count > callsBefore) violations.push('the process has ended, and what it started goes on');
  return {
    seed,
    violations,
    drawn: `log ${logIs}, store ${storeIs}, ${closes.map(({ name, how }) => `close of ${name}: ${how}`).join(', ')}`,
    steps: trace.steps,
    lastedMs: passedMs,
    hash: trace.hash,
    lines: trace.lines,
  };
}

const AGAIN = { retryable: true };
