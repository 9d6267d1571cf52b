import { TradeBatchBuilder } from '@k2/domain/market';
import { PortError, type FeedEvent, type MarketFeed, type Scheduler, type TickLog } from '@k2/ports';
import { RECORD_OPTIONS, RecordFeed } from '@k2/usecases';
import { series } from '../builders/index.ts';
import { SeededChance } from './seeded-chance.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SinkWorldPorts } from './sink-world.ts';
import { Trace } from './trace.ts';
import type { WorldReport } from './world-report.ts';

/** How long a recorder may take to say that it cannot go on, whatever its feed is doing. */
const NOTICE_MS = 5_000;
/** A quiet market: nothing that waits for the next tick gets one in this time. */
const QUIET_MS = 3_600_000;
/** A recorder that is told to stop has this long, also while the log is away. */
const STOP_MS = 60_000;

/**
 * A feed that goes quiet for an hour while its last appends are under way. What becomes of them must not wait for the
 * next tick: they are acknowledged, or the recorder says at once that it cannot go on.
 */
export async function runRecordWorld(
  seed: number,
  ports: Pick<SinkWorldPorts, 'clock' | 'scheduler' | 'telemetry' | 'createLog' | 'advance'>,
  tracesLines = false,
): Promise<WorldReport> {
  const chance = SeededChance.named(seed, 'record world');
  const { clock, scheduler, telemetry } = ports;
  const trace = new Trace(() => Math.round(clock.monotonicUs() / 1_000), tracesLines);
  const faults = {
    failBefore: chance.rate(0.3),
    loseReply: chance.rate(0.3),
    landLate: 0,
    failMinor: 0,
    latencyMsMax: chance.limit(0, 50),
  };
  const surroundings = { clock, scheduler, faults, sessionTimeoutMs: 0, trace, counts: new Map<string, number>() };
  const process = new SimulatedProcess('recorder', chance, surroundings);
  const feed = new QuietFeed(chance, scheduler);
  const refusal = new Refusal(chance, feed.left);
  const log = refusal.of(ports.createLog(Infinity));
  const options = {
    ...RECORD_OPTIONS,
    appendsInFlightMax: chance.limit(1, 8),
    retryDelayMs: chance.limit(1, 100),
    retryDelayMsMax: chance.limit(100, 1_000),
  };
  let acknowledged = 0;
  const violations: string[] = [];
  const recorder = new RecordFeed(
    feed,
    { log: process.log(log), dedup: null, clock, scheduler, telemetry },
    options,
    (event) => {
      if (event.kind === 'ticks') acknowledged += event.batch.rowCount;
      if (feed.pulled - acknowledged > options.appendsInFlightMax + 1)
        violations.push(
          `${feed.pulled - acknowledged} events are under way, at most ${options.appendsInFlightMax} may`,
        );
    },
  );
  const stop = new AbortController();
  let ending: string | null = null;
  recorder.run(stop.signal).then(
    () => (ending = 'ended'),
    (error: Error) => (ending = error.message),
  );

  let passedMs = 0;
  const pass = async (ms: number) => {
    passedMs += ms;
    await ports.advance(ms);
  };
  while (!feed.isQuiet && !refusal.has && passedMs < 60_000) await pass(50);
  for (let waitedMs = 0; waitedMs < NOTICE_MS; waitedMs += 50) await pass(50);
  const { state, error } = recorder.status;
  if (refusal.has) {
    if (state === 'running' || state === 'finished' || error === null)
      violations.push(`the log refused an append for good, and the recorder is ${state}, error ${error}`);
  } else if (acknowledged < feed.pulled) {
    violations.push(`${feed.pulled - acknowledged} ticks were not acknowledged while the feed was quiet`);
  }

  const isAway = chance.happens(0.3);
  if (isAway) faults.failBefore = 1;
  stop.abort();
  for (let waitedMs = 0; ending === null && waitedMs < STOP_MS; waitedMs += 100) await pass(100);
  if (ending === null) violations.push('the recorder was told to stop and has not');
  return {
    seed,
    violations,
    drawn: `appendsInFlightMax ${options.appendsInFlightMax}, refuses ${refusal.has}, away ${isAway}`,
    steps: trace.steps,
    lastedMs: passedMs,
    hash: trace.hash,
    lines: trace.lines,
  };
}

const SERIES = series();
const PRICE = 100_000_000;

/** Yields a few ticks, then nothing for an hour. */
class QuietFeed implements MarketFeed {
  readonly name = 'quiet';
  readonly venues = [];
  pulled = 0;
  isQuiet = false;
  private readonly builder = new TradeBatchBuilder(1);
  private readonly chance: SeededChance;
  private readonly scheduler: Scheduler;
  left: number;

  constructor(chance: SeededChance, scheduler: Scheduler) {
    this.chance = chance;
    this.scheduler = scheduler;
    this.left = chance.limit(1, 60);
  }

  async *open(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    while (!signal.aborted) {
      if (this.left === 0) {
        this.isQuiet = true;
        await this.scheduler.sleep(QUIET_MS, signal);
        continue;
      }
      await this.scheduler.sleep(this.chance.below(5), signal);
      if (signal.aborted) return;
      this.left--;
      this.pulled++;
      this.builder.append(this.builder.seriesCode(SERIES), 1, 1, this.pulled, PRICE, PRICE, 0, '');
      yield { kind: 'ticks', batch: this.builder.take()! };
    }
  }
}

/** From some append on the log refuses all of them permanently, as one does whose topic was deleted. */
class Refusal {
  has = false;
  private appendsLeft: number;

  constructor(chance: SeededChance, ticks: number) {
    this.appendsLeft = chance.happens(0.5) ? Math.max(0, ticks - chance.limit(1, 10)) : Infinity;
  }

  of(log: TickLog): TickLog {
    const append: TickLog['append'] = async (topic, payload) => {
      this.has ||= --this.appendsLeft < 0;
      if (!this.has) return log.append(topic, payload);
      throw new PortError('unknown-topic', `${topic} was deleted`, { topic });
    };
    return {
      append,
      declareTopic: (spec) => log.declareTopic(spec),
      topics: () => log.topics(),
      read: (request, signal) => log.read(request, signal),
      offsets: (topics) => log.offsets(topics),
      trim: (positions) => log.trim(positions),
      join: (group, topics, listener) => log.join(group, topics, listener),
      close: () => log.close(),
    };
  }
}
