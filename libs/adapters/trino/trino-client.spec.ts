import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { END, FakeTrino, page, QUEUED } from './test-support/fake-trino.ts';
import { HastyTime, noChance } from './test-support/ports.ts';
import { TrinoClient, type TrinoClientOptions } from './trino-client.ts';

let trino: FakeTrino;
let time: HastyTime;
beforeEach(async () => {
  trino = await FakeTrino.start();
  time = new HastyTime();
});
afterEach(() => trino.close());

function client(changes: Partial<TrinoClientOptions> = {}): TrinoClient {
  return new TrinoClient({
    url: trino.url,
    user: 'k2',
    source: 'spec',
    clock: time,
    scheduler: time,
    random: noChance,
    ...changes,
  });
}

const never = new AbortController().signal;

async function rowsOf(asked = client(), signal = never): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { rows: ofPage } of asked.pages('SELECT 1', { signal })) rows.push(...ofPage);
  return rows;
}

describe('a statement', () => {
  it('is followed from page to page to its end', async () => {
    trino.will(QUEUED, page(['x']), page(['x'], [['a'], ['b']]), page(['x'], [['c']]), END);
    expect(await rowsOf()).toEqual([['a'], ['b'], ['c']]);
    expect(trino.lines).toEqual(['POST /v1/statement', ...[1, 2, 3, 4].map((number) => `GET /v1/page/${number}`)]);
    expect(trino.requests[0]).toMatchObject({
      body: 'SELECT 1',
      headers: {
        'x-trino-user': 'k2',
        'x-trino-source': 'spec',
        'x-trino-time-zone': 'UTC',
        'x-trino-client-capabilities': 'PARAMETRIC_DATETIME',
      },
    });
  });

  it('takes its session properties, whatever they hold', async () => {
    trino.will(END);
    const pages = client().pages('SELECT 1', { signal: never, session: { query_max_run_time: '5ms', other: 'a,b=é' } });
    await pages.next();
    expect(trino.requests[0].headers['x-trino-session']).toBe('query_max_run_time=5ms,other=a%2Cb%3D%C3%A9');
  });

  it('is not asked for its next page before a reader wants it', async () => {
    trino.will(page(['x'], [['a']]), page(['x'], [['b']]), END);
    const pages = client().pages('SELECT 1', { signal: never });
    await pages.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(trino.lines).toEqual(['POST /v1/statement']);
    await pages.next();
    expect(trino.lines).toEqual(['POST /v1/statement', 'GET /v1/page/1']);
    await pages.return();
  });

  it('is cancelled at the server where its reader stops', async () => {
    trino.will(page(['x'], [['a']]), page(['x'], [['b']]));
    const asked = client();
    for await (const _page of asked.pages('SELECT 1', { signal: never })) break;
    await asked.close();
    expect(trino.lines).toEqual(['POST /v1/statement', 'DELETE /v1/page/1']);
  });

  it('is cancelled at the server where the signal aborts while a page is waited for', async () => {
    trino.will(page(['x'], [['a']]));
    const asked = client();
    const controller = new AbortController();
    const reading = rowsOf(asked, controller.signal);
    await trino.untilAsked('GET /v1/page/1');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await asked.close();
    expect(trino.lines.at(-1)).toBe('DELETE /v1/page/1');
  });

  it('that failed, or has ended, is not cancelled', async () => {
    const asked = client();
    trino.will(QUEUED, { body: { id: 'q7', error: { errorName: 'TABLE_NOT_FOUND', message: 'no such table' } } }, END);
    await expect(rowsOf(asked)).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      context: { errorName: 'TABLE_NOT_FOUND', queryId: 'q7' },
    });
    await rowsOf(asked);
    await asked.close();
    expect(trino.lines.filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });

  it('gives integers beyond 2^53 exactly on demand', async () => {
    trino.will({
      body: '{"id":"q","columns":[{"name":"x","type":"bigint"}],"data":[[9223372036854775807],[1],["1e3"]]}',
    });
    const { value } = await client().pages('SELECT 1', { signal: never }).next();
    expect(value!.exactRows()).toEqual([[9_223_372_036_854_775_807n], [1], ['1e3']]);
  });
});

describe('a request', () => {
  it('is repeated while a load balancer or a starting server puts it off', async () => {
    trino.will({ status: 503 }, { status: 502 }, page(['x']), { status: 504 }, page(['x'], [['a']]), END);
    expect(await rowsOf()).toEqual([['a']]);
    expect(time.sleptMs).toEqual([50, 100, 50]);
  });

  it('is repeated when the server says', async () => {
    trino.will({ status: 429, headers: { 'retry-after': '2' } }, END);
    expect(await rowsOf()).toEqual([]);
    expect(time.sleptMs).toEqual([2_000]);
  });

  it('is given up in the end', async () => {
    trino.will(...Array.from({ length: 100 }, () => ({ status: 503, body: 'starting' })));
    await expect(rowsOf()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(time.monotonicUs()).toBeLessThanOrEqual(10_000_000);
    trino.will(...Array.from({ length: 100 }, () => ({ status: 429 })));
    await expect(rowsOf()).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('ends with who may not, what is not Trino, and a query that is forgotten', async () => {
    for (const [answer, message] of [
      [{ status: 401, body: 'who?' }, 'user and password'],
      [{ status: 405 }, 'is this the URL of a Trino?'],
      [{ status: 200, body: '<html>' }, 'is this the URL of a Trino?'],
      [{ status: 404 }, 'it knows no such query'],
    ] as const) {
      trino.will(answer);
      await expect(rowsOf()).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(message) as unknown,
      });
    }
    expect(trino.requests).toHaveLength(4);
  });

  it('to a server that is not there says so', async () => {
    await trino.close();
    await expect(rowsOf()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    trino = await FakeTrino.start();
  });

  it('takes pages up to a size', async () => {
    trino.will(page(['x'], [['x'.repeat(2_000)]]));
    await expect(rowsOf(client({ config: { pageBytesMax: 1_000 } }))).rejects.toMatchObject({ kind: 'out-of-memory' });
  });
});

describe('a password', () => {
  it('is not sent in the clear', () => {
    expect(() => client({ password: 'p' })).toThrow(expect.objectContaining({ kind: 'misconfigured' }));
    expect(() => client({ url: 'https://127.0.0.1:1', password: 'p' })).not.toThrow();
  });

  it('does not stand in the URL', () => {
    expect(() => client({ url: 'https://k2:p@127.0.0.1:1' })).toThrow(
      expect.objectContaining({ kind: 'misconfigured' }),
    );
  });
});
