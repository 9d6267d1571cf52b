import { REJECTIONS_TOPIC, tickTopic, type TopicSpec } from '@k2/domain/wire';
import type { TickBatch } from '@k2/domain/market';
import {
  isPortError,
  type Clock,
  type DedupStore,
  type FeedEvent,
  type LogPayload,
  type MarketFeed,
  type Scheduler,
  type Telemetry,
  type TickLog,
  type TopicDescription,
} from '@k2/ports';
import { asError } from '../as-error.ts';
import { AppendedRecords } from './appended-records.ts';
import { DropSeen } from './drop-seen.ts';
import { LogOutage } from './log-outage.ts';

export interface RecordOptions {
  /** Appends not yet acknowledged; at the bound the feed is not pulled. */
  readonly appendsInFlightMax: number;
  /** How a topic is declared here for the first time. */
  readonly topicSpecOf: (name: string) => TopicSpec;
  /** First wait after a failed append or a lost venue; doubles up to `retryDelayMsMax`. */
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
}

export const RECORD_OPTIONS: RecordOptions = {
  appendsInFlightMax: 4,
  topicSpecOf: (name) => ({ name, partitions: 1, framing: 'block' }),
  retryDelayMs: 100,
  retryDelayMsMax: 10_000,
};

/** What a feed has brought so far. */
export interface RecordStatus {
  readonly feed: string;
  /** `blocked`: the log does not take what the feed has brought, and is tried again; `error` says why. */
  readonly state: 'waiting' | 'running' | 'blocked' | 'finished' | 'stopped' | 'failed';
  /** Ticks that the log has acknowledged. */
  readonly acknowledgedTicks: number;
  readonly acknowledgedRejections: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** What a finite feed found beside its input and did not read: how much, and the first names. */
  readonly unread: { readonly count: number; readonly names: readonly string[] };
  /** Why the feed is not recorded, or was not to its end; null while all is well. */
  readonly error: Error | null;
}

const UNREAD_NAMED_MAX = 20;

export interface RecordPorts {
  readonly log: TickLog;
  /** Where other lines of the same venue tell what they have recorded; null where there are none. */
  readonly dedup: DedupStore | null;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * Carries one feed into the log. Everything that the feed yields is appended, in order, and retried until the log takes
 * it or the signal aborts; a feed that loses its venue is opened again, one that ends is done. An append that had to be
 * repeated may land behind later ones of its topic: sequencing then takes its ticks as late. An append that can never
 * succeed ends the recording at once, whether the feed has more or not.
 */
export class RecordFeed {
  readonly appended = new AppendedRecords();
  private readonly feed: MarketFeed;
  private readonly ports: RecordPorts;
  private readonly options: RecordOptions;
  private readonly listener: (event: FeedEvent) => void;
  private readonly declared = new Map<string, Promise<TopicDescription>>();
  private readonly dropSeen: DropSeen | null;
  private appendBegun: Promise<void> = Promise.resolve();
  private readonly ticks;
  private readonly latency;
  private state: Exclude<RecordStatus['state'], 'blocked'> = 'waiting';
  private readonly outage: LogOutage;
  private acknowledgedTicks = 0;
  private acknowledgedRejections = 0;
  private doneBytes = 0;
  private totalBytes = 0;
  private unread: RecordStatus['unread'] = { count: 0, names: [] };
  private error: Error | null = null;

  /** `listener` hears each event once it is acknowledged. */
  constructor(
    feed: MarketFeed,
    ports: RecordPorts,
    options: RecordOptions = RECORD_OPTIONS,
    listener: (event: FeedEvent) => void = () => {},
  ) {
    this.feed = feed;
    this.ports = ports;
    this.options = options;
    this.listener = listener;
    this.dropSeen = ports.dedup === null ? null : new DropSeen(ports.dedup, ports.telemetry);
    this.outage = new LogOutage(feed.name, ports);
    this.ticks = ports.telemetry.counter('k2_ingest_ticks', 'Ticks that the log acknowledged.');
    this.latency = ports.telemetry.histogram('k2_ingest_append_ms', 'From append to acknowledgement.', 'ms');
  }

  get status(): RecordStatus {
    const { acknowledgedTicks, acknowledgedRejections, doneBytes, totalBytes, unread, error } = this;
    const state = this.state === 'running' && this.outage.isOn ? 'blocked' : this.state;
    const counts = { acknowledgedTicks, acknowledgedRejections, doneBytes, totalBytes };
    return { feed: this.feed.name, state, ...counts, unread, error };
  }

  /** Resolves when the feed has ended or the signal aborted, with everything acknowledged; rejects where it can't go on. */
  async run(signal: AbortSignal): Promise<RecordStatus> {
    this.state = 'running';
    let delayMs = this.options.retryDelayMs;
    for (;;) {
      const before = this.acknowledgedTicks;
      try {
        await this.pass(signal);
        this.state = signal.aborted ? 'stopped' : 'finished';
        return this.status;
      } catch (error) {
        if (signal.aborted) {
          this.state = 'stopped';
          return this.status;
        }
        this.error = asError(error);
        if (!isPortError(error, 'disconnected')) {
          this.state = 'failed';
          throw error;
        }
        if (this.acknowledgedTicks > before) delayMs = this.options.retryDelayMs;
        this.ports.telemetry.log('warn', 'feed lost its venue; opening it again', {
          feed: this.feed.name,
          delayMs,
          error: this.error.message,
        });
        await this.ports.scheduler.sleep(delayMs, signal);
        delayMs = Math.min(delayMs * 2, this.options.retryDelayMsMax);
      }
    }
  }

  private async pass(signal: AbortSignal): Promise<void> {
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const events = this.feed.open(either)[Symbol.asyncIterator]();
    const inFlight = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const fail = (error: unknown) => {
      failures.push(error);
      failing.abort();
    };
    try {
      for (;;) {
        const next = await unlessAborted(failing.signal, () => events.next());
        if (next === null || next.done === true) break;
        const carried: Promise<void> = this.carry(next.value, either)
          .catch(fail)
          .finally(() => inFlight.delete(carried));
        inFlight.add(carried);
        if (inFlight.size >= this.options.appendsInFlightMax) await Promise.race(inFlight);
      }
    } finally {
      // None is left unhandled. A feed that waits for its venue is told by the signal; one that does not is closed.
      await Promise.all(inFlight);
      if (failures.length > 0) void events.return?.(undefined).catch(() => undefined);
    }
    if (failures.length > 0) throw failures[0];
  }

  private async carry(event: FeedEvent, signal: AbortSignal): Promise<void> {
    if (event.kind === 'ticks') {
      await this.carryTicks(event.batch, signal);
      this.acknowledgedTicks += event.batch.rowCount;
      this.ticks.add(event.batch.rowCount, { feed: this.feed.name });
    } else if (event.kind === 'rejections') {
      await this.append(REJECTIONS_TOPIC, event, signal);
      this.acknowledgedRejections += event.rejections.length;
    } else if (event.kind === 'progress') {
      this.doneBytes = event.doneBytes;
      this.totalBytes = event.totalBytes;
    } else if (event.kind === 'unread') {
      this.noteUnread(event.names);
    }
    if (!this.outage.isOn) this.error = null;
    this.listener(event);
  }

  private noteUnread(all: readonly string[]): void {
    const names = all.slice(0, UNREAD_NAMED_MAX);
    this.unread = { count: all.length, names };
    const facts = { feed: this.feed.name, count: all.length, names: names.join(', ') };
    this.ports.telemetry.log('warn', 'the feed leaves files unread that lie beside its own', facts);
  }

  private async carryTicks(batch: TickBatch, signal: AbortSignal): Promise<void> {
    const topic = topicOf(batch);
    if (this.dropSeen === null) return this.append(topic, { kind: 'ticks', batch }, signal);
    // Lookups run beside each other, and appends begin in the order of the feed.
    const before = this.appendBegun;
    const { promise, resolve: begun } = Promise.withResolvers<void>();
    this.appendBegun = promise;
    try {
      const { topicId } = await this.retried(topic, () => this.declare(topic), signal);
      const unseen = await this.dropSeen.dropSeen(batch, topicId);
      await before;
      if (unseen.batch === null) return;
      const appended = this.append(topic, { kind: 'ticks', batch: unseen.batch }, signal);
      begun();
      await appended;
      await unseen.remember();
    } finally {
      begun();
    }
  }

  private async append(topic: string, payload: LogPayload, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.ports;
    const attempt = async () => {
      const startUs = clock.monotonicUs();
      const { framing } = await this.declare(topic);
      this.appended.take(await log.append(topic, payload), framing);
      this.latency.record((clock.monotonicUs() - startUs) / 1_000, { topic });
    };
    await this.retried(topic, attempt, signal);
  }

  private async retried<Result>(topic: string, attempt: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    let hasFailed = false;
    let wasTaken = false;
    try {
      for (let delayMs = this.options.retryDelayMs; ; delayMs = Math.min(delayMs * 2, this.options.retryDelayMsMax)) {
        try {
          const result = await attempt();
          wasTaken = true;
          return result;
        } catch (error) {
          if (!isPortError(error) || !error.retryable || signal.aborted) throw error;
          this.outage.failed(topic, error, !hasFailed);
          hasFailed = true;
          this.error = error;
          await this.ports.scheduler.sleep(delayMs, signal);
        }
      }
    } finally {
      if (hasFailed) this.outage.ended(wasTaken);
      if (hasFailed && !this.outage.isOn) this.error = null;
    }
  }

  private async declare(topic: string): Promise<TopicDescription> {
    let declaration = this.declared.get(topic);
    if (declaration === undefined) {
      declaration = this.ports.log.declareTopic(this.options.topicSpecOf(topic));
      this.declared.set(topic, declaration);
      declaration.catch(() => this.declared.delete(topic));
    }
    return declaration;
  }
}

function topicOf({ series, recordType }: TickBatch): string {
  return tickTopic(series[0].assetClass, recordType, series[0].exchange);
}

/** Null as soon as the signal aborts, whether there is a result or not; nothing is left on a signal that lives long. */
function unlessAborted<Result>(signal: AbortSignal, ask: () => Promise<Result>): Promise<Result | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(null);
    const giveUp = () => resolve(null);
    signal.addEventListener('abort', giveUp, { once: true });
    ask()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp));
  });
}
