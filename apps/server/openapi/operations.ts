import type { ProblemKind } from '../http/problem.ts';
import type { Format } from '../encode/formats.ts';
import { GAP_FORMATS, TICK_FORMATS } from '../market/requests.ts';
import type { Json } from './schemas.ts';

/** What the document says of a route beyond its parameters, which come from the DTOs. */
export interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly tag: 'Market data' | 'Lake' | 'Operations';
  /** Of success; 200 where absent. */
  readonly status?: 200 | 202;
  /** Schema of the JSON answer. */
  readonly schema?: string;
  readonly formats?: readonly Format[];
  /** Media types of answers that have no schema. */
  readonly other?: Readonly<Record<string, Json>>;
  readonly example?: unknown;
  /** Streams carry completeness and snapshot in headers. */
  readonly hasProvenance?: boolean;
  readonly problems: readonly ProblemKind[];
}

/** What any request may meet before its route, or because the server failed. */
export const OF_EVERY_REQUEST: readonly ProblemKind[] = [
  'invalid-request',
  'forbidden-host',
  'timeout',
  'expectation-failed',
  'headers-too-large',
  'internal',
  'unavailable',
];

/** What reading the lake may meet. */
const READING: readonly ProblemKind[] = ['damaged', 'incompatible-table'];

const ASKING: readonly ProblemKind[] = [
  ...READING,
  'invalid-request',
  'conflicting-values',
  'invalid-query',
  'unknown-snapshot',
  'no-snapshot-before',
  'conflict',
  'not-acceptable',
  'timeout',
  'answer-too-large',
  'out-of-memory',
  'overloaded',
  'unavailable',
];

/** What leads to a next page. */
const PAGING: readonly ProblemKind[] = [...ASKING, 'invalid-cursor', 'cursor-expired'];

const TRADE = {
  message_id: 'ASX/BHP/2014-03-10/1',
  trade_id: 't1',
  symbol: 'BHP',
  exchange: 'ASX',
  asset_class: 'equities',
  timestamp: '2014-03-09T23:00:00.000Z',
  price: '36.01',
  quantity: '100',
  currency: 'AUD',
  side: 'UNKNOWN',
  trade_conditions: [],
  source_sequence: 1,
  session: '2014-03-10',
  ingestion_timestamp: '2014-03-09T23:00:00.005Z',
  platform_sequence: 65_536,
  vendor_data: null,
};

const QUOTE = {
  message_id: 'ASX/BHP/2014-03-10/1',
  symbol: 'BHP',
  exchange: 'ASX',
  timestamp: '2014-03-09T23:00:00.000Z',
  bid_price: '36',
  bid_quantity: '500',
  ask_price: '36.02',
  ask_quantity: '700',
};

const BAR = {
  exchange: 'ASX',
  symbol: 'BHP',
  bar_start: '2014-03-09T23:00:00.000Z',
  open: '36',
  high: '36.04',
  low: '36',
  close: '36.04',
  volume: '500',
  trade_count: 5,
  vwap: '36.02',
};

const INSTRUMENT = {
  exchange: 'ASX',
  symbol: 'BHP',
  asset_class: 'equities',
  currency: 'AUD',
  record_type: 'trades',
  tick_count: 5,
  first_timestamp: '2014-03-09T23:00:00.000Z',
  last_timestamp: '2014-03-09T23:00:00.004Z',
};

const PAGE = { completeness: { status: 'complete' }, snapshotId: '4132479056017389321', nextCursor: null };
const STREAMS =
  'JSON is a page with a cursor; the other formats (Accept header or format) stream with K2-Completeness, K2-Snapshot-Id and K2-Row-Limit. A stream that breaks off was cut: take no part of it for the whole.';

const MAINTENANCE_SUMMARY = {
  id: '0198f0a2-7c1e-4a3b-9d7e-2f6a1c0b4d55',
  state: 'running',
  tasks: ['manifests', 'compact'],
  tables: [],
  dryRun: false,
  createdTime: '2026-01-05T14:30:00.000Z',
  startedTime: '2026-01-05T14:30:00.000Z',
  endedTime: null,
  stepsDone: 1,
  stepsTotal: 10,
  step: {
    task: 'compact',
    table: 'market_data.quotes',
    progress: { doneFiles: 12, totalFiles: 40, doneBytes: 48_000_000, totalBytes: 160_000_000 },
  },
};
const MAINTENANCE_JOB = {
  ...MAINTENANCE_SUMMARY,
  reports: [
    {
      task: 'compact',
      table: 'market_data.trades',
      dryRun: false,
      groups: 1,
      abandonedGroups: 0,
      filesBefore: 8,
      filesAfter: 1,
      rows: 120_000,
      bytesBefore: 1_048_576,
      bytesAfter: 786_432,
      isDone: true,
    },
  ],
  problem: null,
};
const JOB = 'Ask `GET /v1/maintenance/{id}` until `endedTime` is set; the server goes on when its caller has left.';

/** By method and path. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'get /v1/trades': {
    summary: 'Trades',
    description: `Trades of a venue's instruments in order. ${STREAMS}`,
    tag: 'Market data',
    schema: 'TradesPage',
    formats: TICK_FORMATS,
    example: { data: [TRADE], ...PAGE },
    hasProvenance: true,
    problems: PAGING,
  },
  'get /v1/quotes': {
    summary: 'Quotes',
    description: `Best bids and asks of a venue's instruments in order. ${STREAMS}`,
    tag: 'Market data',
    schema: 'QuotesPage',
    formats: TICK_FORMATS,
    example: { data: [QUOTE], ...PAGE },
    hasProvenance: true,
    problems: PAGING,
  },
  'get /v1/bars': {
    summary: 'Bars of trades',
    description: `Open, high, low, close, volume and VWAP of half-open windows; windows without trades are absent. ${STREAMS}`,
    tag: 'Market data',
    schema: 'BarsPage',
    formats: TICK_FORMATS,
    example: { data: [BAR], ...PAGE },
    hasProvenance: true,
    problems: PAGING,
  },
  'get /v1/symbols': {
    summary: 'Instruments',
    description: 'Instruments with counts and first and last times, by record type.',
    tag: 'Market data',
    schema: 'Instruments',
    formats: TICK_FORMATS,
    example: { data: [INSTRUMENT], columns: [{ name: 'exchange', type: 'string' }], truncated: false },
    problems: ASKING,
  },
  'get /v1/gaps': {
    summary: 'What is missing',
    description:
      'Ranges of sequence numbers that the venue gave and K2 does not have: gaps reported, less what arrived late.',
    tag: 'Market data',
    schema: 'Gaps',
    formats: GAP_FORMATS,
    example: {
      data: [
        {
          record_type: 'trades',
          exchange: 'ASX',
          symbol: 'BHP',
          session: '2014-03-10',
          sequence_from: 4,
          sequence_to: 5,
          missing_ticks: 2,
          timestamp_from: '2014-03-09T23:00:00.003Z',
          timestamp_to: '2014-03-09T23:00:00.006Z',
        },
      ],
      gapCount: 1,
      missingTicks: 2,
      truncated: false,
    },
    problems: ASKING,
  },
  'post /v1/query': {
    summary: 'SQL',
    description:
      'One SELECT over trades, quotes, sequence_gaps, sessions and quarantine, all as of one instant. It runs apart from the server, with a deadline and a memory cap.',
    tag: 'Market data',
    schema: 'Rows',
    formats: TICK_FORMATS,
    example: {
      data: [{ symbol: 'BHP', trades: 1_234 }],
      columns: [
        { name: 'symbol', type: 'string' },
        { name: 'trades', type: 'integer' },
      ],
      truncated: false,
    },
    problems: [...ASKING, 'forbidden-query', 'payload-too-large', 'unsupported-media-type'],
  },
  'get /v1/snapshots': {
    summary: 'Snapshots of a table',
    description: 'Newest first; each is an instant that asOf can go back to. `truncated`: there are more than `limit`.',
    tag: 'Lake',
    schema: 'Snapshots',
    example: { data: [], truncated: false },
    problems: READING,
  },
  'get /v1/stats': {
    summary: 'What runs and how far it is',
    description: 'Tables, the log against what is committed of it, feeds, sink, versions.',
    tag: 'Operations',
    schema: 'Stats',
    example: { versions: { k2: '0.1.0', node: '24.21.0' }, uptimeSeconds: 12 },
    problems: READING,
  },
  'post /v1/loads': {
    summary: 'Load files',
    description:
      'Carries a finite feed through the log into the lake and answers when it is committed, one event a line meanwhile. One load at a time: a second waits. Leaving stops it; loading again repeats nothing.',
    tag: 'Operations',
    other: {
      'application/x-ndjson': {
        schema: { $ref: '#/components/schemas/LoadEvent' },
        example: { event: 'finished', feed: 'asx:/data/asx-2014-03', acknowledgedTicks: 1_200_000, committed: true },
      },
    },
    problems: [
      ...READING,
      'invalid-feed',
      'not-acceptable',
      'conflict',
      'payload-too-large',
      'unsupported-media-type',
      'overloaded',
    ],
  },
  'post /v1/maintenance': {
    summary: 'Begin maintenance',
    description: `Tasks on tables, by the policy of this server's settings, in the process that has the role maintain: one job at a time, and never beside a task of its schedule. ${JOB}`,
    tag: 'Operations',
    status: 202,
    schema: 'MaintenanceJob',
    example: MAINTENANCE_JOB,
    problems: [
      'invalid-request',
      'forbidden-host',
      'conflict',
      'payload-too-large',
      'unsupported-media-type',
      'unavailable',
    ],
  },
  'get /v1/maintenance': {
    summary: 'Maintenance jobs',
    description: 'The last 20 of this process, newest first, without their reports.',
    tag: 'Operations',
    schema: 'MaintenanceJobs',
    example: { data: [MAINTENANCE_SUMMARY] },
    problems: ['conflict'],
  },
  'get /v1/maintenance/{id}': {
    summary: 'A maintenance job',
    description: `How far it is, and what it has done. ${JOB}`,
    tag: 'Operations',
    schema: 'MaintenanceJob',
    example: MAINTENANCE_JOB,
    problems: ['invalid-request', 'unknown-job', 'conflict'],
  },
  'delete /v1/maintenance/{id}': {
    summary: 'Cancel a maintenance job',
    description:
      'Answers at once: the job is `stopping` until what it is at has ended, and then `cancelled`. What it has committed stays. Of a job that has ended nothing changes.',
    tag: 'Operations',
    schema: 'MaintenanceJob',
    example: { ...MAINTENANCE_JOB, state: 'stopping' },
    problems: ['invalid-request', 'unknown-job', 'conflict'],
  },
  'get /health/live': {
    summary: 'The process runs',
    description: 'For a supervisor: restart the process when this is no 200, as when its sink has stopped permanently.',
    tag: 'Operations',
    schema: 'Status',
    example: { status: 'live' },
    problems: [],
  },
  'get /health/ready': {
    summary: 'What works',
    description:
      'For a balancer: 503 while the server stops, and while none of its roles can do its work. A 200 may be `degraded`. Cheap: it tells what is known already, and asks nothing for it.',
    tag: 'Operations',
    schema: 'Health',
    example: {
      status: 'degraded',
      roles: { ingest: 'does not work', api: 'works' },
      components: [{ name: 'feed simulator', state: 'running', errorKind: null, since: '2026-01-05T14:30:00.000Z' }],
      dependencies: [
        {
          name: 'disk',
          state: 'down',
          lastErrorKind: 'disk-full',
          without: 'answers of what is committed',
          since: '2026-01-05T15:10:07.120Z',
        },
      ],
      pausedPartitions: [],
    },
    problems: [],
  },
  'get /metrics': {
    summary: 'Metrics',
    description: "Prometheus' text format 0.0.4.",
    tag: 'Operations',
    other: {
      'text/plain': {
        schema: { type: 'string' },
        example: 'k2_http_requests_total{method="GET",route="/v1/trades",status="200"} 1',
      },
    },
    problems: [],
  },
};
