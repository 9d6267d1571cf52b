import { US_PER_MS, US_PER_SECOND, type Venue } from '@k2/domain/market';
import type { Clock, FeedEvent, MarketFeed, Scheduler } from '@k2/ports';
import type { Ledger } from './ledger.ts';
import { simulatorConfig, type SimulatorConfig } from './options.ts';
import { Simulation } from './simulation.ts';
import { SIMULATED_VENUES } from './universe.ts';

/** Ticks made between two looks at the clock and the signal. */
const SLICE_TICKS = 8_192;
/** At rate `max`: ticks made before other work gets its turn. */
const TURN_TICKS = 65_536;
const SLEEP_MS_MAX = 1_000;
const HEARTBEAT_US = US_PER_SECOND;

/**
 * Invented venues, paced by the clock. At a rate, ticks are made when their venue time has come; a reader that was
 * slow gets what it has missed as fast as it pulls: nothing is skipped. At `max`, ticks are made as they are pulled.
 * When it ends or is aborted it gives everything it has made, so that the ledger holds for what was received.
 */
export class SimulatorFeed implements MarketFeed {
  readonly name = 'simulator';
  readonly venues: readonly Venue[];
  readonly config: SimulatorConfig;
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private simulation: Simulation | null = null;

  /** Throws `misconfigured` where a value is out of its range. */
  constructor(config: Partial<SimulatorConfig>, ports: { readonly clock: Clock; readonly scheduler: Scheduler }) {
    this.config = simulatorConfig(config);
    this.clock = ports.clock;
    this.scheduler = ports.scheduler;
    this.venues = SIMULATED_VENUES.slice(0, this.config.venues).map(({ exchange }) => ({
      exchange,
      sequenceOrigin: 'venue',
    }));
  }

  /** Of the latest `open`: what was sent and which faults were injected; null before the first. */
  get ledger(): Ledger | null {
    return this.simulation?.ledger ?? null;
  }

  async *open(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    if (signal.aborted) return;
    const { rate, start, batchMs } = this.config;
    const startUs = start === 'now' ? this.clock.nowUs() : start;
    const followsClock = rate === 'max' && start === 'now';
    const waits = rate !== 'max' || followsClock;
    const simulation = new Simulation(this.config, startUs);
    this.simulation = simulation;
    for (const { exchange } of this.venues) yield { kind: 'connected', exchange };

    const openedUs = this.clock.monotonicUs();
    let flushedUs = 0;
    let heartbeatUs = 0;
    let slices = 0;
    while (!signal.aborted && !simulation.isDone) {
      const elapsedUs = this.clock.monotonicUs() - openedUs;
      const venueNowUs = startUs + elapsedUs;
      if (followsClock) simulation.followClock(venueNowUs, SLICE_TICKS);
      simulation.advance(waits ? venueNowUs : Number.POSITIVE_INFINITY, SLICE_TICKS, this.clock.nowUs());
      const hasCaughtUp = waits && !simulation.isDone && simulation.nextTimeUs > venueNowUs;
      if (hasCaughtUp || elapsedUs - flushedUs >= batchMs * US_PER_MS) {
        simulation.flush();
        flushedUs = elapsedUs;
      }
      yield* eventsOf(simulation);
      if (waits && elapsedUs - heartbeatUs >= HEARTBEAT_US) {
        heartbeatUs = elapsedUs;
        yield* this.heartbeats(simulation.nextTimeUs);
      }
      if (hasCaughtUp) {
        const dueMs = Math.ceil((simulation.nextTimeUs - venueNowUs) / US_PER_MS);
        await this.scheduler.sleep(Math.min(SLEEP_MS_MAX, Math.max(batchMs, dueMs)), signal);
      } else if (++slices % (TURN_TICKS / SLICE_TICKS) === 0) {
        await this.scheduler.yield();
      }
    }
    simulation.finish();
    yield* eventsOf(simulation);
  }

  private *heartbeats(eventTimeUs: number): Generator<FeedEvent> {
    for (const { exchange } of this.venues) yield { kind: 'heartbeat', exchange, eventTimeUs };
  }
}

function* eventsOf(simulation: Simulation): Generator<FeedEvent> {
  for (const notice of simulation.takeNotices()) yield { kind: 'session', ...notice };
  for (const batch of simulation.takeBatches()) yield { kind: 'ticks', batch };
}
