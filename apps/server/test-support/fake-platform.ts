import { tmpdir } from 'node:os';
import type { Alteration } from '@k2/domain/lake';
import { recordSchema, type PlacedBatch, type RecordType, type TableName } from '@k2/domain/market';
import { PortError, type LogLevel, type MarketFeed, type ScanRequest, type TickLog, type TickStore } from '@k2/ports';
import { platformHealth, type PlatformHealth, type PlatformStatus } from '@k2/composition';
import { AnswerTicks, type MaintenanceJobs } from '@k2/usecases';
import type { ApiContext } from '../api-context.ts';
import { FakeEngine } from './fake-engine.ts';

export const SNAPSHOT_ID = 4_132_479_056_017_389_321n;
export const COMMITTED_US = 1_394_500_000_000_000;

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly correlationId: string | null;
}

/** A platform of one snapshot, for tests of what stands before it: the API. */
export class FakePlatform {
  readonly engine: FakeEngine;
  readonly lines: LogLine[] = [];
  readonly counted: { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[] = [];
  failed: Error | null = null;
  health: PlatformHealth = platformHealth(['ingest', 'sink', 'api'], [], [], []);
  isStopping = false;
  load: ApiContext['platform']['load'] = () => Promise.reject(new Error('no load was told of'));
  createFeed: ApiContext['createFeed'] = (spec) => {
    throw new PortError('misconfigured', `${spec} is not a directory: expected one with files`);
  };
  status: Partial<PlatformStatus> = {};
  maintenanceJobs: MaintenanceJobs | null = null;
  readonly store = new FakeStore();
  private correlationId: string | null = null;
  private ids = 0;

  constructor(ticks: Readonly<Record<RecordType, PlacedBatch>>) {
    this.engine = new FakeEngine(ticks);
  }

  context(settings: Partial<ApiContext['settings']> = {}): ApiContext {
    const store = this.store as Partial<TickStore> as TickStore;
    const log: Partial<TickLog> = {
      topics: async () => [{ name: 'market.equities.trades.asx', partitions: 1, framing: 'block', topicId: 't' }],
      offsets: async () => [
        { topic: 'market.equities.trades.asx', partition: 0, topicId: 't', startOffset: 0, endOffset: 7 },
      ],
    };
    const of = () => this.failed;
    const healthOf = () => this.health;
    const load: ApiContext['platform']['load'] = (...given) => this.load(...given);
    return {
      platform: {
        ports: {
          store,
          log: log as TickLog,
          dedup: null,
          maintenance: null,
          engine: this.engine,
          clock: this.clock,
          random: this.random,
          scheduler: SCHEDULER,
          telemetry: this.telemetry,
        },
        answers: new AnswerTicks(store, this.engine, this.clock),
        status: { roles: ['api'], startedUs: 0, feeds: [], sink: null, maintain: null, ...this.status },
        get health() {
          return healthOf();
        },
        get failed() {
          return of();
        },
        maintenanceJobs: this.maintenanceJobs,
        load,
      },
      settings: {
        role: ['ingest', 'sink', 'api'],
        host: '127.0.0.1',
        allowedHosts: [],
        queryTimeoutMs: 5_000,
        ...settings,
      },
      scratchDirectory: tmpdir(),
      random: this.random,
      metrics: async () => 'k2_up_total 1\n',
      createFeed: (spec): MarketFeed | Promise<MarketFeed> => this.createFeed(spec),
      runWithCorrelationId: (id, work) => {
        this.correlationId = id;
        return work();
      },
      isStopping: () => this.isStopping,
    };
  }

  private readonly random = { next: () => 0.5, uuid: () => `id-${++this.ids}`, int63: () => 1n };
  private readonly clock = {
    nowUs: () => performance.timeOrigin * 1_000,
    monotonicUs: () => process.hrtime()[1] / 1_000,
  };

  private readonly telemetry = {
    counter: (name: string) => ({
      add: (_value: number, attributes: Readonly<Record<string, unknown>> = {}) =>
        void this.counted.push({ name, attributes }),
    }),
    histogram: () => ({ record: () => undefined }),
    gauge: () => undefined,
    log: (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void this.lines.push({ level, message, fields, correlationId: this.correlationId }),
  };
}

/** Never fires: nothing in these tests waits for a deadline. */
const SCHEDULER = {
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) =>
      signal?.aborted ? resolve() : signal?.addEventListener('abort', () => resolve(), { once: true }),
    ),
  yield: async () => undefined,
};

class FakeStore {
  /** Older instants are given up. */
  keptFromUs = 0;
  alterations: readonly Alteration[] = [];

  async plan({ table, asOf }: ScanRequest) {
    const { fields } = recordSchema(table);
    if (asOf.kind === 'snapshot' && asOf.snapshotId !== SNAPSHOT_ID) {
      throw new PortError(
        'unknown-snapshot',
        `${table} has no snapshot ${asOf.snapshotId}: expected one that /v1/snapshots lists`,
      );
    }
    if (asOf.kind === 'time' && asOf.timeUs < COMMITTED_US) {
      throw new PortError('no-snapshot-before', `${table} had no snapshot at that time: expected a later one`);
    }
    if (asOf.kind === 'time' && asOf.timeUs < this.keptFromUs) {
      throw new PortError('unknown-snapshot', `the snapshot of ${table} at that time is no longer kept`);
    }
    const isTicks = table.startsWith('market_data.');
    const files = isTicks ? [{ key: 'a.parquet', rowCount: 5, sizeBytes: 100, timeSpan: null }] : [];
    return {
      table,
      snapshotId: SNAPSHOT_ID,
      committedUs: COMMITTED_US,
      fields,
      files,
      filesTotal: files.length,
      alterations: this.alterations,
    };
  }

  async progress() {
    return [{ topic: 'market.equities.trades.asx', partition: 0, topicId: 't', nextOffset: 5 }];
  }

  async stats() {
    return [
      {
        table: 'market_data.trades' as TableName,
        snapshotId: SNAPSHOT_ID,
        committedUs: COMMITTED_US,
        rowCount: 5,
        fileCount: 1,
        sizeBytes: 100,
        snapshotCount: 1,
      },
    ];
  }

  async snapshots(table: TableName, limit: number) {
    const snapshot = {
      table,
      snapshotId: SNAPSHOT_ID,
      parentSnapshotId: null,
      dataSequenceNumber: 1,
      committedUs: COMMITTED_US,
      operation: 'append',
      addedRows: 5,
      totalRows: 5,
      totalFiles: 1,
      totalBytes: 100,
      isCurrent: true,
      progress: [],
      alterations: [],
    };
    return [snapshot].slice(0, limit);
  }
}
