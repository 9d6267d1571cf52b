import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { tableFromIPC } from 'apache-arrow';
import { PortError } from '@k2/ports';
import { platformHealth } from '@k2/composition';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';
import { answerOf } from './test-support/fake-engine.ts';
import { FakePlatform, SNAPSHOT_ID } from './test-support/fake-platform.ts';

let platform: FakePlatform;
let app: NestFastifyApplication;

beforeEach(async () => {
  platform = new FakePlatform({
    trades: placed(tradeBatch({ count: 5 })),
    quotes: placed(quoteBatch({ count: 3 }), 9),
  });
  app = await createApp(platform.context());
});
afterEach(() => app.close());

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });
const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, payload, headers });

describe('trades as JSON', () => {
  it('are records with exact decimals, ISO times and their identity, in an envelope with completeness', async () => {
    const { statusCode, body } = await get('/v1/trades?exchange=ASX&symbol=BHP&limit=1');
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toEqual({
      data: [
        {
          message_id: 'ASX/BHP/2014-03-10/1',
          trade_id: 't1',
          symbol: 'BHP',
          exchange: 'ASX',
          asset_class: 'equities',
          timestamp: '2014-03-10T00:00:00.000Z',
          price: '36',
          quantity: '100',
          currency: 'AUD',
          side: 'BUY',
          trade_conditions: [],
          source_sequence: 1,
          session: '2014-03-10',
          ingestion_timestamp: '2014-03-10T00:00:00.005Z',
          platform_sequence: 0,
          vendor_data: null,
        },
      ],
      completeness: { status: 'unverifiable', reason: 'nothing was recorded for these instruments and times' },
      snapshotId: String(SNAPSHOT_ID),
      nextCursor: expect.stringMatching(/^[0-9a-f]+$/),
    });
  });

  it.each([1, 2, 3, 4, 5, 6])('page to the end without loss or repetition, %i at a time', async (limit) => {
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const at: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = JSON.parse((await get(`/v1/trades?fields=price&limit=${limit}${at}`)).body);
      expect(page.data.length).toBeLessThanOrEqual(limit);
      seen.push(...page.data.map((row: { price: string }) => Math.round((Number(row.price) - 36) * 100)));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('have the fields asked for, in that order, and newest first where asked for', async () => {
    const { body } = await get('/v1/trades?fields=source_sequence,price&fields=symbol&order=newest-first&limit=2');
    expect(body).toContain('"data":[{"source_sequence":5,"price":"36.04","symbol":"BHP"},{"source_sequence":4,');
  });

  it('are asked for by half-open times and by symbols, repeated or with commas', async () => {
    await get('/v1/trades?symbol=BHP,RIO&symbol=CBA&from=2014-03-10&to=2014-03-10T12:00:00%2B11:00');
    expect(platform.engine.asked[0]).toMatchObject({
      filter: { symbols: ['BHP', 'RIO', 'CBA'], fromUs: 1394409600000000, toUs: 1394413200000000 },
    });
  });
});

describe('content negotiation', () => {
  it.each([
    ['application/x-ndjson', 'application/x-ndjson; charset=utf-8'],
    ['text/csv', 'text/csv; charset=utf-8; header=present'],
    ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.stream'],
    ['application/vnd.apache.parquet', 'application/vnd.apache.parquet'],
    ['application/json;q=0.1, text/csv;q=0.9', 'text/csv; charset=utf-8; header=present'],
    ['text/*, application/json;q=0.5', 'text/csv; charset=utf-8; header=present'],
    ['*/*', 'application/json; charset=utf-8'],
    ['text/html, */*;q=0.1', 'application/json; charset=utf-8'],
  ])('Accept: %s gives %s', async (accept, contentType) => {
    for (const url of ['/v1/trades', '/v1/quotes', '/v1/bars', '/v1/symbols']) {
      const { statusCode, headers } = await get(url, { accept });
      expect([url, statusCode, headers['content-type']]).toEqual([url, 200, contentType]);
    }
  });

  it('lists what there is where nothing fits', async () => {
    const { statusCode, body } = await get('/v1/trades', { accept: 'application/xml' });
    expect(statusCode).toBe(406);
    expect(JSON.parse(body).detail).toContain('application/vnd.apache.arrow.stream (format=arrow)');
    expect((await get('/v1/gaps?format=parquet')).statusCode).toBe(406);
    expect((await get('/v1/trades?format=xml')).statusCode).toBe(400);
  });

  it('streams carry completeness, snapshot and row limit in headers', async () => {
    const { headers, body } = await get('/v1/trades?format=ndjson&limit=4');
    expect(JSON.parse(String(headers['k2-completeness']))).toMatchObject({ status: 'unverifiable' });
    expect(headers['k2-snapshot-id']).toBe(String(SNAPSHOT_ID));
    expect(headers['k2-row-limit']).toBe('4');
    expect(
      body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).source_sequence),
    ).toEqual([1, 2, 3, 4]);
  });

  it('Arrow has the rows', async () => {
    const { rawPayload } = await get('/v1/trades?format=arrow');
    expect(tableFromIPC(rawPayload).getChild('trade_id')!.toArray()).toEqual(['t1', 't2', 't3', 't4', 't5']);
  });

  it('a Parquet answer is the exported file, which is deleted after', async () => {
    const { body } = await get('/v1/trades', { accept: 'application/vnd.apache.parquet' });
    expect(body).toBe('PAR1 not really PAR1');
  });
});

describe('bars, symbols, gaps, SQL', () => {
  it('bars page to the end by a cursor of their own', async () => {
    const first = JSON.parse((await get('/v1/bars?interval=5m&limit=6')).body);
    expect(first.data).toHaveLength(6);
    const last = JSON.parse((await get(`/v1/bars?interval=5m&limit=6&cursor=${first.nextCursor}`)).body);
    expect(last.data.map(({ n }: { n: number }) => n)).toEqual([6, 7, 8, 9]);
    expect(last.nextCursor).toBeNull();
  });

  it('a cursor of bars by offset, as before, is refused', async () => {
    const cursor = Buffer.from('bars-1767225600000000-6-0123456789abcdef').toString('hex');
    const { statusCode, body } = await get(`/v1/bars?interval=5m&limit=6&cursor=${cursor}`);
    expect([statusCode, JSON.parse(body).type]).toEqual([400, 'urn:k2:problem:invalid-cursor']);
  });

  it('SQL says when rows were cut', async () => {
    const { statusCode, body } = await post('/v1/query', { sql: 'SELECT n FROM trades', limit: 3 });
    expect([statusCode, JSON.parse(body)]).toEqual([
      200,
      { data: [{ n: 0 }, { n: 1 }, { n: 2 }], columns: [{ name: 'n', type: 'integer' }], truncated: true },
    ]);
  });

  it('SQL answers in the streamed formats, too', async () => {
    const { body, headers } = await post('/v1/query?format=csv', { sql: 'SELECT n FROM trades', limit: 2 });
    expect([body, headers['k2-row-limit']]).toEqual(['n\r\n0\r\n1\r\n', '2']);
  });

  it('gaps are empty where the ledger is', async () => {
    expect(JSON.parse((await get('/v1/gaps?exchange=ASX&recordType=trades')).body)).toEqual({
      data: [],
      gapCount: 0,
      missingTicks: 0,
      truncated: false,
    });
  });

  it('snapshots say whether there are more than were asked for', async () => {
    const answer = async (limit: number) => JSON.parse((await get(`/v1/snapshots?table=trades&limit=${limit}`)).body);
    const [snapshot] = await platform.store.snapshots('market_data.trades', 1);
    platform.store.snapshots = async (_, limit) => [snapshot, snapshot].slice(0, limit);
    expect(await answer(1)).toMatchObject({ data: [{}], truncated: true });
    expect(await answer(2)).toMatchObject({ data: [{}, {}], truncated: false });
  });

  it('snapshots and stats print ids and times that no reader rounds', async () => {
    const { data } = JSON.parse((await get('/v1/snapshots?table=trades')).body);
    expect(data).toMatchObject([
      { snapshotId: String(SNAPSHOT_ID), committedTime: '2014-03-11T01:06:40.000Z', isCurrent: true },
    ]);
    expect(JSON.parse((await get('/v1/stats')).body)).toMatchObject({
      log: { lagRecords: 2 },
      tables: [{ rowCount: 5 }],
    });
  });
});

describe('streams that go wrong', () => {
  it('a failure before the first row is a problem', async () => {
    platform.engine.answering = () => ({
      columns: [{ name: 'n', type: 'integer' }],
      batches: (async function* () {
        throw new PortError('timeout', 'the query took longer than 5000 ms: ask for less');
      })(),
    });
    expect((await get('/v1/symbols?format=ndjson')).statusCode).toBe(408);
  });

  it('a failure after the head breaks the transfer off and frees the engine', async () => {
    const values = Float64Array.of(1);
    platform.engine.answering = () => ({
      columns: [{ name: 'n', type: 'integer' }],
      batches: (async function* () {
        yield { rowCount: 1, columns: [{ kind: 'integer' as const, values }], nulls: [null] };
        throw new PortError('unavailable', 'the engine died');
      })(),
    });
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/v1/symbols?format=ndjson`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(platform.engine.open).toBe(0);
  });

  it('a caller who leaves cancels the query', async () => {
    const cancelled = new Promise<void>((resolve) => {
      platform.engine.answering = (_question, { signal }) => {
        signal!.addEventListener('abort', () => resolve());
        return new Promise(() => undefined);
      };
    });
    await app.listen(0, '127.0.0.1');
    const leave = new AbortController();
    const answer = fetch(`${await app.getUrl()}/v1/symbols`, { signal: leave.signal });
    setTimeout(() => leave.abort(), 50);
    await expect(answer).rejects.toThrow();
    await cancelled;
  });

  it('an empty answer is still a whole one in every format', async () => {
    platform.engine.answering = () => answerOf([{ name: 'n', type: 'integer' }], []);
    expect((await get('/v1/symbols?format=ndjson')).body).toBe('');
    expect((await get('/v1/symbols?format=csv')).body).toBe('n\r\n');
    expect(tableFromIPC((await get('/v1/symbols?format=arrow')).rawPayload).numRows).toBe(0);
  });
});

describe('answers that are too large to be held', () => {
  /** Rows of one wide text. */
  const wide = (rows: number, batches: number) => () => {
    const text = 'x'.repeat(65_536);
    const offsets = Uint32Array.from({ length: rows + 1 }, (_, row) => row * text.length);
    const bytes = Buffer.from(text.repeat(rows));
    const batch = { rowCount: rows, columns: [{ kind: 'utf8' as const, values: { offsets, bytes } }], nulls: [null] };
    return answerOf([{ name: 'text', type: 'string' }], Array<typeof batch>(batches).fill(batch));
  };
  /** A value of a dictionary in every row: small as columns, large as text. */
  const repeated = () => {
    const codes = new Uint16Array(1_000);
    const columns = [{ kind: 'dictionary' as const, codes, dictionary: ['x'.repeat(65_536)] }];
    return answerOf([{ name: 'text', type: 'string' }], [{ rowCount: 1_000, columns, nulls: [null] }]);
  };

  it.each([
    ['as columns', wide(64, 20)],
    ['as text', repeated],
  ])('are refused as JSON, naming the bound and what has none: %s', async (_what, answering) => {
    platform.engine.answering = answering;
    const { statusCode, body } = await post('/v1/query', { sql: 'SELECT text FROM trades', limit: 10_000 });
    expect([statusCode, JSON.parse(body)]).toEqual([
      422,
      expect.objectContaining({
        type: 'urn:k2:problem:answer-too-large',
        detail: expect.stringMatching(/over 33554432 bytes as JSON.*format=ndjson/),
      }),
    ]);
    expect(platform.engine.open).toBe(0);
    expect((await post('/v1/query?format=ndjson', { sql: 'SELECT text FROM trades' })).statusCode).toBe(200);
  });

  it('are sent whole when they are within the bound, with their length', async () => {
    platform.engine.answering = wide(64, 5);
    const { statusCode, headers, body } = await post('/v1/query', { sql: 'SELECT text FROM trades' });
    expect([statusCode, headers['content-length'], JSON.parse(body).data.length]).toEqual([
      200,
      String(body.length),
      320,
    ]);
  });
});

describe('operations', () => {
  it('liveness ends when a component has failed, unless it is for a person to mend', async () => {
    const failedBy = (errorKind: string) =>
      platformHealth(['sink', 'api'], [{ name: 'sink', state: 'failed', sinceUs: 0, errorKind }], [], []);
    platform.health = failedBy('bug');
    const { statusCode, body } = await get('/health/live');
    expect([statusCode, JSON.parse(body).detail]).toEqual([503, 'stopped permanently: sink (bug)']);
    platform.health = failedBy('misconfigured');
    expect((await get('/health/live')).statusCode).toBe(200);
  });

  it('readiness names what is down, and ends when no role can do its work and while stopping', async () => {
    const down = (name: string) =>
      ({ name, state: 'down', sinceUs: 0, lastErrorKind: 'disk-full', without: 'answers' }) as const;
    platform.health = platformHealth(['sink', 'api'], [], [down('disk')], []);
    const degraded = await get('/health/ready');
    expect([degraded.statusCode, JSON.parse(degraded.body)]).toMatchObject([
      200,
      {
        status: 'degraded',
        roles: { sink: 'does not work', api: 'works' },
        dependencies: [{ name: 'disk', state: 'down', since: '1970-01-01T00:00:00.000Z', lastErrorKind: 'disk-full' }],
      },
    ]);
    platform.health = platformHealth(['sink', 'api'], [], [down('catalog')], []);
    const useless = await get('/health/ready');
    expect([useless.statusCode, useless.headers['content-type']]).toEqual([
      503,
      'application/problem+json; charset=utf-8',
    ]);
    expect(JSON.parse(useless.body)).toMatchObject({ status: 503, health: { status: 'unavailable' } });
    platform.health = platformHealth(['api'], [], [], []);
    expect(JSON.parse((await get('/health/ready')).body)).toMatchObject({ status: 'ready' });
    platform.isStopping = true;
    expect((await get('/health/ready')).statusCode).toBe(503);
    expect((await get('/health/live')).statusCode).toBe(200);
  });

  it('metrics are Prometheus text', async () => {
    const { headers, body } = await get('/metrics');
    expect([headers['content-type'], body]).toEqual(['text/plain; version=0.0.4; charset=utf-8', 'k2_up_total 1\n']);
  });

  it('requests are counted by route template and status', async () => {
    await get('/v1/trades?symbol=A');
    await get('/nowhere/at/all');
    expect(platform.counted).toMatchObject([
      { name: 'k2_http_requests_total', attributes: { method: 'GET', route: '/v1/trades', status: 200 } },
      { attributes: { route: 'unmatched', status: 404 } },
    ]);
  });

  it('a fit correlation id comes back and is in the log line, an unfit one is replaced', async () => {
    const { headers } = await get('/v1/trades', { 'x-correlation-id': 'order-17' });
    expect(headers['x-correlation-id']).toBe('order-17');
    expect(platform.lines.at(-1)).toMatchObject({ message: 'request', correlationId: 'order-17' });
    for (const unfit of ['a b', 'x'.repeat(129), 'é', '']) {
      expect((await get('/health/live', { 'x-correlation-id': unfit })).headers['x-correlation-id']).toMatch(
        /^id-\d+$/,
      );
    }
  });

  it('only the api role answers questions; every role is watched', async () => {
    const sink = await createApp(platform.context({ role: ['sink'] }));
    const status = async (url: string) => (await sink.inject({ method: 'GET', url })).statusCode;
    expect([
      await status('/health/ready'),
      await status('/v1/stats'),
      await status('/v1/trades'),
      await status('/docs'),
    ]).toEqual([200, 200, 404, 404]);
    await sink.close();
  });
});
