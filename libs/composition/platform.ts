import type {
  Clock,
  DedupStore,
  FeedEvent,
  MarketFeed,
  QueryEngine,
  Random,
  Scheduler,
  TableMaintenance,
  Telemetry,
  TickLog,
  TickStore,
} from '@k2/ports';
import { topicSpecOf, type TopicRules } from '@k2/domain/wire';
import {
  AnswerTicks,
  Inspections,
  Loads,
  Maintain,
  MAINTENANCE_POLICY,
  MaintenanceJobs,
  RecordFeed,
  Sink,
  Turn,
  untilCommitted,
  RECORD_OPTIONS,
  SINK_OPTIONS,
  type LoadReport,
  type MaintainStatus,
  type MaintenancePolicy,
  type RecordOptions,
  type RecordStatus,
  type SinkStatus,
} from '@k2/usecases';
import { messageOf, within } from './closing.ts';
import { Components } from './components.ts';
import type { Dependencies } from './dependencies.ts';
import { platformHealth, type PlatformHealth } from './platform-health.ts';
import type { Role, Settings } from './settings.ts';

export interface PlatformPorts {
  readonly log: TickLog;
  readonly dedup: DedupStore | null;
  readonly store: TickStore;
  /** Null where the store's tables need no care. */
  readonly maintenance: TableMaintenance | null;
  readonly engine: QueryEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export interface PlatformStatus {
  readonly roles: readonly Role[];
  readonly startedUs: number;
  readonly feeds: readonly RecordStatus[];
  readonly sink: SinkStatus | null;
  readonly maintain: MaintainStatus | null;
}

/** The components of one process, running: feeds into the log, the log into the store, answers out of it, care for its tables. */
export class Platform {
  readonly ports: PlatformPorts;
  readonly answers: AnswerTicks;
  private readonly settings: Settings;
  readonly maintenancePolicy: MaintenancePolicy;
  private readonly sink: Sink | null;
  /** What callers have maintained; null where this process is not the one to do it. */
  readonly maintenanceJobs: MaintenanceJobs | null;
  private readonly maintain: Maintain | null;
  private readonly recorders: RecordFeed[] = [];
  private readonly loads: Loads;
  private readonly ingestStop = new AbortController();
  private readonly sinkStop = new AbortController();
  private readonly maintainStop = new AbortController();
  private readonly components: Components;
  private readonly dependencies: Dependencies;
  private readonly watchStop = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  private readonly startedUs: number;
  private stopping: Promise<void> | null = null;

  constructor(
    ports: PlatformPorts,
    settings: Settings,
    feeds: readonly MarketFeed[],
    rules: TopicRules,
    dependencies: Dependencies,
  ) {
    this.dependencies = dependencies;
    this.ports = ports;
    this.settings = settings;
    const recordOptions: RecordOptions = { ...RECORD_OPTIONS, topicSpecOf: (name) => topicSpecOf(name, rules) };
    this.loads = new Loads(ports, recordOptions, (signal) => this.untilLoaded(signal));
    this.answers = new AnswerTicks(ports.store, ports.engine, ports.clock);
    this.startedUs = ports.clock.nowUs();
    this.components = new Components(ports);
    this.sink = settings.role.includes('sink') ? new Sink(ports, sinkOptions(settings, ports)) : null;
    this.maintenancePolicy = maintenancePolicy(settings);
    const { maintenance } = ports;
    const maintains = maintenance !== null && settings.role.includes('maintain');
    let maintain: Maintain | null = null;
    let jobs: MaintenanceJobs | null = null;
    if (maintains) {
      const turn = new Turn();
      const inspections = new Inspections(ports.telemetry);
      const options = maintainOptions(settings, this.maintenancePolicy);
      maintain = new Maintain({ ...ports, maintenance }, options, turn, inspections);
      jobs = new MaintenanceJobs({ ...ports, maintenance }, options.policy, turn, inspections);
    }
    this.maintain = maintain;
    this.maintenanceJobs = jobs;
    if (settings.role.includes('ingest')) {
      for (const feed of feeds) this.recorders.push(new RecordFeed(feed, ports, recordOptions));
    }
  }

  get status(): PlatformStatus {
    return {
      roles: this.settings.role,
      startedUs: this.startedUs,
      feeds: [...this.recorders.map(({ status }) => status), ...this.loads.statuses],
      sink: this.sink?.status ?? null,
      maintain: this.maintain?.status ?? null,
    };
  }

  /** Null while no component has failed; otherwise why the first did. */
  get failed(): Error | null {
    return this.components.failed;
  }

  /** What works of what the roles ask, from what is known already: nothing is asked for it. */
  get health(): PlatformHealth {
    const paused = this.sink?.status.paused ?? [];
    return platformHealth(this.settings.role, this.components.health, this.dependencies.health, paused);
  }

  /** Starts the components and returns; `health` tells how each goes on. */
  start(): void {
    this.watching = this.dependencies.watch(this.watchStop.signal);
    const { sink } = this;
    if (sink !== null) this.components.watch('sink', sink.run(this.sinkStop.signal), () => sink.status.failing);
    if (this.maintain !== null && this.maintenanceJobs !== null) {
      const { signal } = this.maintainStop;
      this.components.watch('maintain', Promise.all([this.maintain.run(signal), this.maintenanceJobs.serve(signal)]));
    }
    for (const recorder of this.recorders) {
      this.components.watch(`feed ${recorder.status.feed}`, recorder.run(this.ingestStop.signal));
    }
  }

  /**
   * Carries a finite feed into the log, less what contradicts the lake, and waits until it is committed; one at a time.
   * Progress comes through `listener`; `waits` hears which feed is loaded before this one.
   */
  load(
    feed: MarketFeed,
    signal: AbortSignal,
    listener?: (event: FeedEvent) => void,
    waits?: (ahead: string) => void,
  ): Promise<LoadReport> {
    return this.loads.load(feed, { signal, stop: this.ingestStop.signal }, listener, waits);
  }

  /**
   * Feeds first, then what is left in the log, then the last commit. A sink without a feed beside it commits what it has
   * read and hands the rest over. Calling it again waits for the same stop.
   */
  stop(): Promise<void> {
    this.stopping ??= this.drain();
    return this.stopping;
  }

  private async untilLoaded(signal: AbortSignal): Promise<boolean> {
    const isCommitted = await this.untilCommitted(AbortSignal.any([signal, this.sinkStop.signal]));
    // What would have committed the rows does not run any more.
    if (!isCommitted && this.sink?.status.state === 'failed') throw this.failed ?? new Error('the sink failed');
    return isCommitted;
  }

  private untilCommitted(signal: AbortSignal): Promise<boolean> {
    const { ports, sink } = this;
    if (sink === null) return untilCommitted(ports, signal);
    return sink.hurryWhile(
      untilCommitted(
        ports,
        signal,
        undefined,
        (partition) => sink.status.state === 'failed' || sink.isPaused(partition),
      ),
    );
  }

  private async drain(): Promise<void> {
    const { telemetry } = this.ports;
    this.ingestStop.abort();
    this.maintainStop.abort();
    try {
      if (this.sink !== null && this.failed === null && this.settings.role.includes('ingest')) await this.drainLog();
    } catch (error) {
      telemetry.log('warn', 'the log could not be drained; the next start goes on with it', {
        error: messageOf(error),
      });
    } finally {
      this.sinkStop.abort();
    }
    this.watchStop.abort();
    await this.watching;
    await this.components.end(this.settings.closeTimeoutMs / 2);
  }

  /** Waits until all that was received is committed, or the time for it is over. */
  private async drainLog(): Promise<void> {
    const late = new AbortController();
    const drained = this.untilCommitted(AbortSignal.any([late.signal, this.sinkStop.signal]));
    try {
      // The log and the store are asked in there, and may not answer at all.
      await within(this.ports.scheduler, this.settings.drainTimeoutMs, () => drained);
    } finally {
      late.abort();
      drained.catch(() => undefined);
    }
  }
}

function sinkOptions({ flushIntervalMs, flushRowsMax }: Settings, { random }: PlatformPorts) {
  return { ...SINK_OPTIONS, writer: `sink-${random.uuid()}`, flushIntervalMs, flushRowsMax };
}

function maintenancePolicy(settings: Settings): MaintenancePolicy {
  return {
    ...MAINTENANCE_POLICY,
    fileBytesTarget: settings.compactFileBytes,
    zstdLevel: settings.compactZstdLevel,
    orphanAgeMs: settings.orphanAgeMs,
    keepRowsMs: settings.keepRows,
  };
}

function maintainOptions({ maintainIntervalMs, orphanAgeMs }: Settings, policy: MaintenancePolicy) {
  return { policy, intervalMs: maintainIntervalMs, orphanIntervalMs: orphanAgeMs };
}
