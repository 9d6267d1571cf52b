import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { PlatformStatus } from '@k2/composition';
import { PortError } from '@k2/ports';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from '../app.ts';
import { FakePlatform } from '../test-support/fake-platform.ts';

const TABLE = 'market_data.trades' as const;
const S3 = new PortError(
  'unavailable',
  'GetObject of market_data/trades/x.avro in bucket lake at http://10.0.0.7:9000',
);
const POSTGRES = new PortError('closed', 'connect ECONNREFUSED 10.0.0.8:5432 as k2_writer');
const KAFKA = new PortError('disconnected', 'broker kafka-1.internal:9092 does not answer');
const BUG = new TypeError('undefined is not a function at /opt/k2/sink.js');
const DAMAGED = new PortError('damaged', 'market_data/trades/data/y.parquet is damaged');
const INTERNAL = /10\.0\.0|bucket|kafka-1|k2_writer|ECONN|\/opt|x\.avro/;

const FEED = {
  feed: 'simulator',
  state: 'blocked' as const,
  ...{ acknowledgedTicks: 0, acknowledgedRejections: 0, doneBytes: 0, totalBytes: 0 },
  unread: { count: 0, names: [] },
  error: KAFKA,
};
const PAUSED = { topic: 'market.equities.trades.asx', partition: 0, offset: 3, sinceUs: 0 };
const STATUS: Partial<PlatformStatus> = {
  feeds: [FEED],
  sink: {
    state: 'running',
    error: POSTGRES,
    paused: [
      { ...PAUSED, kind: 'fault', error: BUG },
      { ...PAUSED, partition: 1, kind: 'damaged', error: DAMAGED },
    ],
    lastCommitUs: null,
    failing: { sinceUs: 0, error: POSTGRES },
  } as unknown as NonNullable<PlatformStatus['sink']>,
  maintain: {
    state: 'running',
    ...{ rounds: 1, lastRoundUs: 0, rewrittenFiles: 0, expiredSnapshots: 0, deletedFiles: 0, failures: 1 },
    lastFailure: { task: 'compact', table: TABLE, error: S3 },
    tables: [],
  },
};

let app: NestFastifyApplication;
beforeEach(async () => {
  const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
  platform.failed = S3;
  platform.status = STATUS;
  app = await createApp(platform.context());
});
afterEach(() => app.close());

describe('errors of S3, PostgreSQL and Kafka in what a server says of itself', () => {
  it('are told by their kind, and by their words only if those name nothing internal', async () => {
    const stats = (await app.inject({ method: 'GET', url: '/v1/stats' })).json();
    expect(stats).toMatchObject({
      failed: 'unavailable: the log says more',
      feeds: [{ feed: 'simulator', error: 'disconnected: the log says more' }],
      sink: {
        error: 'closed: the log says more',
        failingSince: '1970-01-01T00:00:00.000Z',
        paused: [
          { partition: 0, kind: 'fault', message: null },
          { partition: 1, kind: 'damaged', message: 'market_data/trades/data/y.parquet is damaged' },
        ],
      },
      maintain: { lastFailure: { task: 'compact', table: TABLE, error: 'unavailable: the log says more' } },
    });
  });

  it.each(['/v1/stats', '/health/ready', '/health/live'])('name no address, bucket or path at %s', async (url) => {
    expect((await app.inject({ method: 'GET', url })).body).not.toMatch(INTERNAL);
  });
});
