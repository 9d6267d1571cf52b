import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { connect, type AddressInfo } from 'node:net';
import { PortError } from '@k2/ports';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';
import { FakePlatform } from './test-support/fake-platform.ts';

const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
let app: NestFastifyApplication;

beforeAll(async () => {
  app = await createApp(platform.context());
  await app.listen(0, '127.0.0.1');
});
beforeEach(() => {
  platform.engine.answering = null;
  platform.store.keptFromUs = 0;
});
afterAll(() => app.close());

async function problem(request: {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  payload?: string | object;
  headers?: Record<string, string>;
}) {
  const { statusCode, headers, body } = await app.inject({ method: 'GET', ...request });
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const details = JSON.parse(body);
  expect(details).toEqual({
    type: expect.stringMatching(/^urn:k2:problem:[a-z-]+$/),
    title: expect.any(String),
    status: statusCode,
    detail: expect.stringMatching(/./),
    instance: expect.any(String),
    correlationId: headers['x-correlation-id'],
    errors: expect.any(Array),
  });
  return { statusCode, headers, details };
}

describe('a wrong value is a 400 that names it and what was expected', () => {
  it.each([
    ['/v1/trades?limit=0', 'limit', 'an integer from 1 to 1000000'],
    ['/v1/trades?limit=-1', 'limit', 'an integer from 1 to 1000000'],
    ['/v1/trades?limit=1e3', 'limit', 'an integer from 1 to 1000000'],
    ['/v1/trades?limit=1&limit=2', 'limit', 'an integer from 1 to 1000000'],
    ['/v1/trades?limit=99999999999999999999', 'limit', 'an integer from 1'],
    ['/v1/trades?from=yesterday', 'from', 'ISO 8601'],
    ['/v1/trades?from=2014-02-31', 'from', 'ISO 8601'],
    ['/v1/trades?from=1394409600000000', 'from', 'ISO 8601'],
    ['/v1/trades?asOf=soon', 'asOf', 'a snapshot id (digits) or a time'],
    ['/v1/trades?asOf=99999999999999999999', 'asOf', 'a snapshot id (digits) or a time'],
    ['/v1/trades?asOf=', 'asOf', 'a snapshot id (digits) or a time'],
    ['/v1/trades?fields=price,volume', 'fields', 'some of message_id, trade_id'],
    ['/v1/trades?fields=bid_price', 'fields', 'some of message_id, trade_id'],
    ['/v1/trades?fields=price,price', 'fields', 'each once'],
    ['/v1/quotes?fields=', 'fields', 'some of message_id, quote_id'],
    ['/v1/trades?order=random', 'order', 'oldest-first or newest-first'],
    ['/v1/trades?cursor=nonsense', 'cursor', 'the nextCursor of an earlier answer, unchanged'],
    ['/v1/bars?interval=7', 'interval', 'a length from 1s to 7d'],
    ['/v1/bars?interval=8d', 'interval', 'a length from 1s to 7d'],
    ['/v1/trades?exchange=', 'exchange', 'one venue code'],
    ['/v1/trades?exchange=ASX&exchange=NYSE', 'exchange', 'one venue code'],
    ['/v1/trades?symbol=BHP,,RIO', 'symbol', 'symbols of 1 to 64'],
    ['/v1/trades?symbol=%0a', 'symbol', 'symbols of 1 to 64'],
    [`/v1/trades?symbol=${'x'.repeat(65)}`, 'symbol', 'symbols of 1 to 64'],
    [`/v1/trades?${Array.from({ length: 1_001 }, (_, i) => `symbol=${i}`).join('&')}`, 'symbol', 'up to 1000 symbols'],
    ['/v1/trades?symbols=BHP', 'symbols', 'only asOf, cursor, exchange, fields'],
    ['/v1/trades?__proto__=x', '__proto__', 'only asOf'],
    ['/v1/trades?constructor=x', 'constructor', 'only asOf'],
    ['/v1/trades?filter=x', 'filter', 'only asOf'],
    ['/v1/trades?asOfWanted=x', 'asOfWanted', 'only asOf'],
    ['/v1/trades?symbol=%ff', 'query string', 'percent-encoded UTF-8'],
    ['/v1/trades?symbol=%00', 'query string', 'without null bytes'],
    ['/v1/trades?symbol=%zz', 'query string', 'percent-encoded UTF-8'],
    ['/v1/trades?symbol=a%20b&x%5B%5D=1', 'x[]', 'only asOf'],
    ['/v1/gaps?recordType=bars', 'recordType', 'trades or quotes'],
    ['/v1/snapshots?table=candles', 'table', 'one of market_data.trades'],
    ['/v1/snapshots?limit=1001', 'limit', 'an integer from 1 to 1000'],
    ['/v1/trades?format=xml', 'format', 'one of json, ndjson'],
  ])('%s', async (url, field, expected) => {
    const { statusCode, details } = await problem({ url });
    expect(statusCode).toBe(400);
    expect(details.errors[0]).toMatchObject({ field, expected: expect.stringContaining(expected) });
    expect(details.detail).toContain(details.errors[0].expected);
  });
});

describe('what no schema can tell is refused with a kind of its own', () => {
  it.each([
    ['/v1/trades?limit=10001', 'conflicting-values', 'limit', 'an integer from 1 to 10000 for JSON'],
    ['/v1/gaps?limit=10001', 'conflicting-values', 'limit', 'an integer from 1 to 10000 for JSON'],
    ['/v1/trades?from=2014-03-11&to=2014-03-10', 'conflicting-values', 'to', 'a time after from'],
    ['/v1/symbols?from=2014-03-11&to=2014-03-11', 'conflicting-values', 'to', 'a time after from'],
    [`/v1/trades?symbol=${'A,'.repeat(1_000)}A`, 'conflicting-values', 'symbol', 'up to 1000 symbols in all, not 1001'],
    ['/v1/bars?format=csv&cursor=7b7d', 'conflicting-values', 'cursor', 'none with a streamed format'],
    ['/v1/trades?cursor=7b7d', 'invalid-cursor', 'cursor', 'the nextCursor of an earlier answer, unchanged'],
    ['/v1/bars?cursor=7b7d', 'invalid-cursor', 'cursor', 'the nextCursor of an earlier answer, unchanged'],
  ])('%s: %s', async (url, kind, field, expected) => {
    const { statusCode, details } = await problem({ url });
    expect([statusCode, details.type]).toEqual([400, `urn:k2:problem:${kind}`]);
    const value = new URL(url, 'http://localhost').searchParams.get(field);
    expect(details.errors).toEqual([{ field, value: expect.anything(), expected: expect.stringContaining(expected) }]);
    expect(String(details.errors[0].value).slice(0, 100)).toBe(value?.slice(0, 100));
  });

  it('SQL that does not run, a snapshot that there is not, and a feed that is not there are named, too', async () => {
    const post = (url: string, payload: object) => problem({ method: 'POST', url, payload });
    const { details: sql } = await post('/v1/query', { sql: 'DROP TABLE trades' });
    expect(sql.errors).toEqual([{ field: 'sql', value: 'DROP TABLE trades', expected: expect.any(String) }]);
    const { details: asOf } = await post('/v1/query', { sql: 'SELECT 1 FROM trades', asOf: '17' });
    expect(asOf.errors).toEqual([{ field: 'asOf', value: '17', expected: expect.any(String) }]);
    const { details: feed } = await post('/v1/loads', { feed: 'asx:/nowhere' });
    expect([feed.type, feed.errors]).toEqual([
      'urn:k2:problem:invalid-feed',
      [{ field: 'feed', value: 'asx:/nowhere', expected: expect.any(String) }],
    ]);
  });
});

describe('bodies', () => {
  const json = { 'content-type': 'application/json' };
  it.each([
    ['not JSON', 400, '{"sql":', json],
    ['empty', 400, '', json],
    ['null', 400, 'null', json],
    ['a string', 400, '"SELECT 1"', json],
    ['an array', 400, '[]', json],
    ['a number', 400, '1', json],
    ['no sql', 400, '{}', json],
    ['sql of another type', 400, '{"sql":{"a":1}}', json],
    ['blank sql', 400, '{"sql":"  "}', json],
    ['sql with a null byte', 400, '{"sql":"SELECT \\u0000"}', json],
    ['sql too long', 400, JSON.stringify({ sql: 'x'.repeat(100_001) }), json],
    ['an unknown property', 400, '{"sql":"SELECT 1","user":"me"}', json],
    ['a poisoned prototype', 400, '{"sql":"SELECT 1","__proto__":{"limit":1}}', json],
    ['a limit of no rows', 400, '{"sql":"SELECT 1","limit":0}', json],
    ['a limit that is a fraction', 400, '{"sql":"SELECT 1","limit":1.5}', json],
    ['a limit beyond JSON', 400, '{"sql":"SELECT 1","limit":20000}', json],
    ['nested 100,000 levels deep', 400, `{"sql":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, json],
    ['a limit that is text', 400, '{"sql":"SELECT 1","limit":"5"}', json],
    ['no sql but null', 400, '{"sql":null}', json],
    ['too large', 413, JSON.stringify({ sql: 'x'.repeat(2_000_000) }), json],
    ['plain text', 415, 'SELECT 1', { 'content-type': 'text/plain' }],
    ['a form', 415, 'sql=SELECT+1', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['of no type', 415, 'SELECT 1', {}],
    ['of a type that is none', 415, '{}', { 'content-type': 'é' }],
    ['not a SELECT', 403, '{"sql":"DROP TABLE trades"}', json],
  ])('%s: %i', async (_what, status, payload, headers) => {
    const { statusCode } = await problem({
      method: 'POST',
      url: '/v1/query',
      payload,
      headers: headers as Record<string, string>,
    });
    expect(statusCode).toBe(status);
  });

  it('a field that is null is one that is absent', async () => {
    const payload = { sql: 'SELECT 1', limit: null, asOf: null };
    expect((await app.inject({ method: 'POST', url: '/v1/query', payload })).statusCode).toBe(200);
  });

  it('a wrong one names each wrong value', async () => {
    const { details } = await problem({ method: 'POST', url: '/v1/query', payload: { limit: 'ten', asOf: 7 } });
    expect(details.errors.map(({ field, value }: { field: string; value: unknown }) => [field, value])).toEqual([
      ['sql', null],
      ['limit', 'ten'],
      ['asOf', 7],
    ]);
  });
});

describe('routes', () => {
  it('an unknown one is 404, another method 405 with Allow', async () => {
    expect((await problem({ url: '/v1/candles' })).statusCode).toBe(404);
    expect((await problem({ url: '/' })).statusCode).toBe(404);
    const { statusCode, headers } = await problem({ method: 'POST', url: '/v1/trades?x=1', payload: {} });
    expect([statusCode, headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect((await problem({ method: 'DELETE', url: '/v1/query' })).statusCode).toBe(405);
    const query = await problem({ method: 'QUERY' as 'GET', url: '/v1/query' });
    expect([query.statusCode, query.headers['allow']]).toEqual([405, 'POST']);
  });

  it('a path that does not decode is 400', async () => {
    expect((await problem({ url: '/v1/%ff' })).statusCode).toBe(400);
  });

  it('what was addressed by another name than a server on loopback has is refused, whatever it is (DNS rebinding)', async () => {
    const request = { method: 'POST' as const, url: '/v1/query', payload: { sql: 'SELECT 1' } };
    expect((await problem({ ...request, headers: { host: 'evil.example:7080' } })).statusCode).toBe(403);
    for (const url of ['/v1/trades', '/v1/stats', '/metrics', '/health/live', '/openapi.json', '/docs', '/nowhere']) {
      expect([url, (await problem({ url, headers: { host: 'evil.example' } })).statusCode]).toEqual([url, 403]);
    }
    for (const host of ['localhost:7080', '127.0.0.1', '[::1]:7080', 'LOCALHOST']) {
      expect((await app.inject({ ...request, headers: { host } })).statusCode).toBe(200);
    }
  });
});

describe('what the ports refuse', () => {
  it.each([
    ['invalid-query', 400],
    ['forbidden-query', 403],
    ['timeout', 408],
    ['out-of-memory', 422],
    ['overloaded', 429],
    ['unavailable', 503],
  ])('%s is %i', async (kind, status) => {
    platform.engine.answering = () => {
      throw new PortError(kind, 'what happened: what to do');
    };
    const { statusCode, headers, details } = await problem({
      method: 'POST',
      url: '/v1/query',
      payload: { sql: 'SELECT 1' },
    });
    expect([statusCode, details.type]).toEqual([status, `urn:k2:problem:${kind}`]);
    if (kind !== 'timeout' && status < 500) expect(details.detail).toBe('what happened: what to do');
    expect(headers['retry-after'] !== undefined).toBe(status === 429 || status === 503);
  });

  it('a long message is cut: nobody reads megabytes of an error', async () => {
    platform.engine.answering = async () => {
      throw new PortError('invalid-query', `Conversion Error: ${'x'.repeat(1_000_000)}`);
    };
    const { details } = await problem({ method: 'POST', url: '/v1/query', payload: { sql: 'SELECT 1' } });
    expect(details.detail).toMatch(/^Conversion Error: x{9982}…$/);
  });

  it('an unknown snapshot and a time before the first are 404, on every route that travels', async () => {
    for (const url of ['/v1/trades', '/v1/bars', '/v1/symbols', '/v1/gaps']) {
      expect([url, (await problem({ url: `${url}?asOf=17` })).details.type]).toEqual([
        url,
        'urn:k2:problem:unknown-snapshot',
      ]);
      expect([url, (await problem({ url: `${url}?asOf=2001-01-01` })).details.type]).toEqual([
        url,
        'urn:k2:problem:no-snapshot-before',
      ]);
    }
    const payload = { sql: 'SELECT 1', asOf: '17' };
    expect((await problem({ method: 'POST', url: '/v1/query', payload })).statusCode).toBe(404);
  });

  it('a cursor of tables that are no longer kept as they were is 410', async () => {
    for (const url of ['/v1/trades?limit=2', '/v1/bars?interval=5m&limit=6']) {
      platform.store.keptFromUs = 0;
      const { nextCursor } = JSON.parse((await app.inject({ method: 'GET', url })).body);
      platform.store.keptFromUs = Infinity;
      const { statusCode, details } = await problem({ url: `${url}&cursor=${nextCursor}` });
      expect([url, statusCode, details.type]).toEqual([url, 410, 'urn:k2:problem:cursor-expired']);
    }
  });

  it.each(['unavailable', 'disconnected', 'closed', 'cancelled', 'timeout', 'corrupt', 'not-found'])(
    'of its own failures (%s) the server tells no key, path or address; the log has them',
    async (kind) => {
      const message = 'GetObject of market_data/a.parquet in bucket lake at http://10.0.0.7:9000: /var/k2/tmp is away';
      platform.lines.length = 0;
      platform.engine.answering = () => {
        throw new PortError(kind, message, { bucket: 'lake' }, { cause: new Error(message) });
      };
      const { details } = await problem({ url: '/v1/symbols', headers: { 'x-correlation-id': 'asked-1' } });
      expect(JSON.stringify(details)).not.toMatch(/GetObject|lake|10\.0|9000|parquet|var/);
      if (details.status < 500) return;
      const logged = platform.lines.find(({ fields }) => fields['error'] !== undefined);
      expect(logged).toMatchObject({ fields: { error: { message } } });
    },
  );

  it('a bug is a 500 that says nothing of itself; the log has it', async () => {
    platform.engine.answering = () => {
      throw new TypeError('secret is not a function');
    };
    platform.lines.length = 0;
    const { statusCode, details } = await problem({ url: '/v1/trades' });
    expect([statusCode, JSON.stringify(details).includes('secret')]).toEqual([500, false]);
    const logged = platform.lines.find(({ level, message }) => level === 'error' && message === 'a request failed');
    expect(logged).toMatchObject({ fields: { error: expect.any(TypeError) } });
  });
});

describe('what is not a request', () => {
  it.each([
    ['an expectation', 'GET /v1/stats HTTP/1.1\r\nhost: localhost\r\nexpect: 200-ok\r\n\r\n', 'HTTP/1.1 417'],
    ['garbage', 'garbage\r\n\r\n', 'HTTP/1.1 400'],
    ['a method that is none of HTTP', 'FETCH /v1/query?x HTTP/1.1\r\nhost: localhost\r\n\r\n', 'HTTP/1.1 405'],
    [
      'two Host headers',
      'GET /v1/stats HTTP/1.1\r\nhost: localhost\r\nhost: evil\r\nconnection: close\r\n\r\n',
      'HTTP/1.1 400',
    ],
    [
      'an absolute URL of another host',
      'GET http://evil.example/v1/stats HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      'HTTP/1.1 403',
    ],
    ['a null byte in the path', 'GET /v1/tra\0des HTTP/1.1\r\nhost: localhost\r\n\r\n', 'HTTP/1.1 400'],
    [
      'a head over 16 KiB',
      `GET /v1/trades?symbol=${'x'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      'HTTP/1.1 431',
    ],
  ])('%s is answered with problem details, logged and counted', async (_what, bytes, status) => {
    platform.lines.length = 0;
    platform.counted.length = 0;
    const { port } = app.getHttpServer().address() as AddressInfo;
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
      socket.on('data', (data) => (received += data.toString())).on('close', () => resolve(received));
      socket.on('error', reject);
    });
    expect(answer.startsWith(status)).toBe(true);
    const details = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(details).toMatchObject({ type: expect.stringContaining('urn:k2:problem:') });
    const fields = expect.objectContaining({ status: details.status, route: expect.any(String) });
    expect(platform.lines).toContainEqual(expect.objectContaining({ correlationId: details.correlationId, fields }));
    expect(platform.counted).toContainEqual({
      name: 'k2_http_requests_total',
      attributes: expect.objectContaining({ status: details.status }),
    });
  });
});

describe('no input makes a 5xx', () => {
  const paths = ['/v1/trades', '/v1/quotes', '/v1/bars', '/v1/symbols', '/v1/gaps', '/v1/snapshots'];
  const names = [
    'exchange',
    'symbol',
    'from',
    'to',
    'asOf',
    'fields',
    'order',
    'cursor',
    'limit',
    'interval',
    'recordType',
    'table',
    'format',
  ];
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '0', '-1', '1e400', 'null', '[]', '2014-03-10', '٣', '\ud800'),
  );

  it('in a query string', async () => {
    const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.string() });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.array(fc.tuple(name, value), { maxLength: 4 }),
        async (path, pairs) => {
          const query = pairs
            .map((pair) => pair.map((part) => encodeURIComponent(part.toWellFormed())).join('='))
            .join('&');
          const { statusCode } = await app.inject({ method: 'GET', url: `${path}?${query}` });
          expect(statusCode).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('in raw bytes of a query string', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('%', 'f', '0', '=', '&', '[', ']', '.', 'a', '+', ';', '/') }),
        async (query) => {
          const { statusCode } = await app.inject({ method: 'GET', url: `/v1/trades?${query}` });
          expect(statusCode).toBeLessThan(500);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('in a body', async () => {
    const body = fc.oneof(
      fc.json(),
      fc
        .record({ sql: fc.anything(), limit: fc.anything(), asOf: fc.anything() })
        .map((one) => JSON.stringify(one, plainBigInts)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/v1/query', '/v1/loads'), body, async (url, payload) => {
        const { statusCode } = await app.inject({
          method: 'POST',
          url,
          payload,
          headers: { 'content-type': 'application/json' },
        });
        expect(statusCode).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
});

function plainBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
