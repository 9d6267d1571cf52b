import {
  ManualClock,
  ManualScheduler,
  MemoryTelemetry,
  MemoryTickLog,
  MemoryTickStore,
  SeededRandom,
} from '@k2/adapter-memory';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import { PortError } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { SINK_OPTIONS } from './sink-options.ts';
import { Sink } from './sink.ts';

const TOPIC = 'market.equities.trades.asx';
const START_US = 1_767_225_600_000_000;
const AWAY = new PortError('unavailable', 'no answer', {}, { retryable: true });

/** A store of which one call fails as often as is said. */
class UnwillingStore extends MemoryTickStore {
  readonly failures = { stage: 0, commit: 0 };

  override stage(...args: Parameters<MemoryTickStore['stage']>) {
    return this.failures.stage-- > 0 ? Promise.reject(AWAY) : super.stage(...args);
  }

  override commit(...args: Parameters<MemoryTickStore['commit']>) {
    return this.failures.commit-- > 0 ? Promise.reject(AWAY) : super.commit(...args);
  }
}

describe.each(['stage', 'commit'] as const)('A sink whose store does not %s', (call) => {
  const stop = new AbortController();
  let clock: ManualClock;
  let scheduler: ManualScheduler;
  let store: UnwillingStore;
  let sink: Sink;
  let running: Promise<void>;

  beforeEach(async () => {
    clock = new ManualClock(START_US);
    scheduler = new ManualScheduler(clock);
    const random = new SeededRandom(1, clock);
    const log = new MemoryTickLog({ clock, scheduler, random });
    store = new UnwillingStore({ clock, random });
    await store.ensureTables(RECORD_SCHEMAS);
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    await log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ count: 10 }) });
    const options = { ...SINK_OPTIONS, flushIntervalMs: 100, discoverIntervalMs: 20, retryDelayMsMax: 100 };
    sink = new Sink({ log, store, clock, scheduler, random, telemetry: new MemoryTelemetry() }, options);
  });

  const run = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) await scheduler.advance(10);
  };

  it('sink.failing: says since when, from the second failure in a row to the next commit', async () => {
    store.failures[call] = 5;
    running = sink.run(stop.signal);
    let firstUs: number | null = null;
    while (store.failures[call] > 3) {
      expect(sink.status.failing).toBeNull();
      await run(10);
      if (firstUs === null && sink.status.error !== null) firstUs = clock.nowUs();
    }
    await run(20);
    expect(sink.status.failing?.error).toBe(AWAY);
    const { sinceUs } = sink.status.failing!;
    expect(Math.abs(sinceUs - firstUs!)).toBeLessThanOrEqual(20_000);
    while (store.failures[call] > 0) {
      expect(sink.status.failing).toEqual({ sinceUs, error: AWAY });
      await run(10);
    }
    await run(1_000);
    expect(sink.status).toMatchObject({ failing: null, error: null, commits: 1, counts: { kept: 10 } });
    stop.abort();
    await run(1_000);
    await running;
  });
});
