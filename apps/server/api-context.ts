import type { LoadReport, PlatformHealth, PlatformPorts, PlatformStatus, Settings } from '@k2/composition';
import type { FeedEvent, MarketFeed, Random } from '@k2/ports';
import type { AnswerTicks, MaintenanceJobs } from '@k2/usecases';

/** What the API needs of a running platform. */
export interface ApiPlatform {
  readonly ports: PlatformPorts;
  readonly answers: AnswerTicks;
  readonly status: PlatformStatus;
  readonly health: PlatformHealth;
  /** Null while no component has failed. */
  readonly failed: Error | null;
  /** Null where this process has no tables to maintain, or not the role. */
  readonly maintenanceJobs: MaintenanceJobs | null;
  load(
    feed: MarketFeed,
    signal: AbortSignal,
    listener: (event: FeedEvent) => void,
    waits: (ahead: string) => void,
  ): Promise<LoadReport>;
}

export interface ApiContext {
  readonly platform: ApiPlatform;
  readonly settings: Pick<Settings, 'role' | 'host' | 'allowedHosts' | 'queryTimeoutMs'>;
  /** For answers that are files on their way; null where nothing is kept on disk. */
  readonly scratchDirectory: string | null;
  readonly random: Pick<Random, 'uuid'>;
  /** Prometheus' text format 0.0.4. */
  readonly metrics: () => Promise<string>;
  /** Throws PortError `misconfigured` for a spec that names no feed. */
  readonly createFeed: (spec: string) => MarketFeed | Promise<MarketFeed>;
  /** Log lines written during `work` carry the id. */
  readonly runWithCorrelationId: <Result>(correlationId: string, work: () => Result) => Result;
  /** True once the process has begun to stop. */
  readonly isStopping: () => boolean;
}

/** Token under which Nest hands out the context. */
export const API_CONTEXT = Symbol('ApiContext');
