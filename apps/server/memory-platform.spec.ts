import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { tableFromIPC } from 'apache-arrow';
import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import type { MarketFeed } from '@k2/ports';
import { DAY_START_US, quoteBatch, series, tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';

const TRADES = 2_500;
/** Sequences 1,001 and 1,002 never come; RIO is another instrument. */
const FEED: MarketFeed = {
  name: 'test',
  venues: [{ exchange: 'ASX', sequenceOrigin: 'venue' }],
  open: async function* () {
    yield { kind: 'ticks', batch: tradeBatch({ count: 1_000 }) };
    yield {
      kind: 'ticks',
      batch: tradeBatch({ count: TRADES - 1_000, firstSequence: 1_003, startUs: DAY_START_US + 1_000_000 }),
    };
    yield { kind: 'ticks', batch: tradeBatch({ series: series({ symbol: 'RIO' }), count: 3 }) };
    yield { kind: 'ticks', batch: quoteBatch({ count: 10 }) };
  },
};

let open: OpenPlatform;
let app: NestFastifyApplication;
let firstSnapshot: string;

beforeAll(async () => {
  const settings = readSettings(
    { storage: 'memory', feeds: 'none', logLevel: 'error' },
    { K2_FLUSH_INTERVAL_MS: '20' },
  );
  open = await openPlatform(settings, { access: 'write' });
  const { platform, random, scratchDirectory, createFeed, runWithCorrelationId } = open;
  const metrics = () => open.metrics();
  app = await createApp({
    platform,
    settings,
    scratchDirectory,
    random,
    metrics,
    createFeed,
    runWithCorrelationId,
    isStopping: () => false,
  });
  platform.start();
  const { committed } = await platform.load(FEED, new AbortController().signal);
  expect(committed).toBe(true);
  firstSnapshot = (await get('/v1/snapshots?table=trades&limit=1')).data[0].snapshotId;
});
afterAll(async () => {
  await app.close();
  await open.close();
});

async function get(url: string) {
  const { statusCode, body } = await app.inject({ method: 'GET', url });
  expect([url, statusCode]).toEqual([url, 200]);
  return JSON.parse(body);
}

describe('a whole platform in memory', () => {
  it.each([
    ['oldest-first', 1_000],
    ['newest-first', 999],
  ])('pages %s to the end, %i at a time, without loss or repetition', async (order, limit) => {
    const ids: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 10; pages++) {
      const at = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: { data: { message_id: string }[]; nextCursor: string | null } = await get(
        `/v1/trades?symbol=BHP&fields=message_id&order=${order}&limit=${limit}${at}`,
      );
      ids.push(...page.data.map((row) => row.message_id));
      cursor = page.nextCursor;
    }
    const sequences = Array.from({ length: TRADES }, (_, at) => (at < 1_000 ? at + 1 : at + 3));
    const expected = sequences.map((sequence) => `ASX/BHP/2014-03-10/${sequence}`);
    expect(ids).toEqual(order === 'oldest-first' ? expected : expected.reverse());
  });

  it('says what is missing, in the answer and in the ledger', async () => {
    const gap = { exchange: 'ASX', symbol: 'BHP', session: '2014-03-10', sequenceFrom: 1_001, sequenceTo: 1_002 };
    const { completeness } = await get('/v1/trades?exchange=ASX&symbol=BHP&limit=1');
    expect(completeness).toMatchObject({ status: 'gaps', gapCount: 1, missingTicks: 2, gaps: [gap] });
    expect((await get('/v1/trades?exchange=ASX&symbol=RIO&limit=1')).completeness).toEqual({ status: 'complete' });
    expect(await get('/v1/gaps')).toMatchObject({
      gapCount: 1,
      missingTicks: 2,
      data: [{ record_type: 'trades', symbol: 'BHP', sequence_from: 1_001, sequence_to: 1_002, missing_ticks: 2 }],
    });
    expect((await get('/v1/gaps?symbol=RIO')).data).toEqual([]);
    expect((await get('/v1/gaps?recordType=quotes')).data).toEqual([]);
    expect((await get('/v1/gaps?to=2014-03-10T00:00:00.999Z')).data).toEqual([]);
  });

  it('tells the same in every format', async () => {
    const { data } = await get('/v1/quotes?limit=10');
    const ndjson = (await app.inject({ method: 'GET', url: '/v1/quotes?format=ndjson' })).body;
    expect(
      ndjson
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(data);
    const { rawPayload } = await app.inject({ method: 'GET', url: '/v1/quotes?format=arrow' });
    expect(tableFromIPC(rawPayload).getChild('message_id')!.toArray()).toEqual(
      data.map((row: { message_id: string }) => row.message_id),
    );
  });

  it('makes bars and lists instruments', async () => {
    const { data } = await get('/v1/bars?symbol=RIO&interval=1d');
    expect(data).toEqual([
      {
        exchange: 'ASX',
        symbol: 'RIO',
        bar_start: '2014-03-10T00:00:00.000Z',
        open: '36',
        high: '36.02',
        low: '36',
        close: '36.02',
        volume: '300',
        trade_count: 3,
        vwap: '36.01',
      },
    ]);
    expect((await get('/v1/symbols?symbol=BHP')).data).toMatchObject([
      { symbol: 'BHP', record_type: 'quotes', tick_count: 10 },
      { symbol: 'BHP', record_type: 'trades', tick_count: TRADES },
    ]);
  });

  it('answers as of an earlier snapshot after more has come', async () => {
    const more: MarketFeed = {
      ...FEED,
      open: async function* () {
        yield { kind: 'ticks', batch: tradeBatch({ series: series({ symbol: 'CBA' }), count: 4 }) };
      },
    };
    await open.platform.load(more, new AbortController().signal);
    expect((await get('/v1/trades?symbol=CBA')).data).toHaveLength(4);
    expect((await get(`/v1/trades?symbol=CBA&asOf=${firstSnapshot}`)).data).toEqual([]);
    expect((await get(`/v1/symbols?symbol=CBA&asOf=${firstSnapshot}`)).data).toEqual([]);
  });

  it('has nothing left to commit', async () => {
    expect(await get('/v1/stats')).toMatchObject({ log: { lagRecords: 0 }, failed: null, sink: { state: 'running' } });
  });
});
