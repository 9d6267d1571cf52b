import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { FakeRequest, Fault } from './test-support/fake-s3.ts';
import { FaultyWorld, SHORT_TIMEOUTS } from './test-support/faulty-world.ts';

const text = (content: Uint8Array) => new TextDecoder().decode(content);
const isGet = ({ method, key }: FakeRequest) => method === 'GET' && key !== '';
const always = (fault: Fault) => () => fault;

const failing = async (ask: () => Promise<unknown>, expected: object) => {
  await expect(ask()).rejects.toMatchObject({ kind: 'unavailable', ...expected });
};

describe('S3ObjectStore on a server that fails', () => {
  let world: FaultyWorld;
  beforeEach(async () => {
    world = await FaultyWorld.open();
    world.put('a', '0123456789');
  });
  afterEach(() => world.close());

  it('outlasts a few errors of the server', async () => {
    const busy: Fault = { kind: 'status', status: 503, code: 'ServiceUnavailable' };
    world.server.failNext(isGet, busy, { kind: 'status', status: 500, code: 'InternalError' });
    expect(text(await world.store.get('a'))).toBe('0123456789');
    expect(world.telemetry.sum('k2_objects_attempts GetObject')).toBe(3);
    expect(world.telemetry.sum('k2_objects_requests GetObject ok')).toBe(1);
  });

  it('ends a storm of errors as unavailable, retryable, after a bounded number of attempts', async () => {
    world.server.fault = always({ kind: 'status', status: 503, code: 'ServiceUnavailable' });
    const asked = Array.from({ length: 60 }, () => world.store.get('a').catch((error: unknown) => error));
    for (const error of await Promise.all(asked)) {
      expect(error).toMatchObject({ kind: 'unavailable', retryable: true, context: { code: 'ServiceUnavailable' } });
    }
    // 60 × 3 were allowed one by one; the SDK's retry quota, common to all, cuts the storm.
    expect(world.requests('GET')).toBeLessThan(180);
    expect(world.telemetry.sum('k2_objects_requests GetObject server-error')).toBe(60);
  });

  it('asks a throttling server again, and ends as unavailable, retryable', async () => {
    world.server.fault = always({ kind: 'status', status: 503, code: 'SlowDown' });
    await failing(() => world.store.get('a'), { retryable: true, context: { code: 'SlowDown' } });
    expect(world.requests('GET')).toBe(3);
    expect(world.telemetry.sum('k2_objects_requests GetObject throttled')).toBe(1);
  });

  it('asks again for a body that was cut off, and never gives it back short', async () => {
    const cut: Fault = { kind: 'cut-body', afterBytes: 4 };
    world.server.failNext(isGet, cut, cut);
    expect(text(await world.store.get('a'))).toBe('0123456789');
    world.server.failNext(isGet, cut, cut);
    expect(text(await world.store.get('a', { start: 2, length: 6 }))).toBe('234567');
    world.server.failNext(isGet, cut, cut);
    const local = await world.store.localFile('a');
    expect(await readFile(local.path, 'utf8')).toBe('0123456789');
    local.release();
  });

  it('ends as unavailable where every body is cut off, with nothing in the cache', async () => {
    world.server.fault = always({ kind: 'cut-body', afterBytes: 4 });
    await failing(() => world.store.get('a'), { retryable: true });
    await failing(() => world.store.localFile('a'), { retryable: true });
    await world.store.close();
    expect(await world.cached()).toEqual([]);
  });

  it('asks again for a body that was damaged on its way', async () => {
    await world.store.putIfAbsent('sound', new TextEncoder().encode('0123456789'));
    world.server.failNext(isGet, { kind: 'damaged-body' });
    expect(text(await world.store.get('sound'))).toBe('0123456789');
  });

  it('refuses an object that is not what was put, for good', async () => {
    await world.store.putIfAbsent('rotten', new TextEncoder().encode('0123456789'));
    world.server.objects.get('lake/rotten')!.content[3] ^= 0xff;
    await failing(() => world.store.get('rotten'), { retryable: false });
    await failing(() => world.store.localFile('rotten'), { retryable: false });
    expect(world.telemetry.sum('k2_objects_requests GetObject damaged')).toBeGreaterThan(0);
  });

  it('ends as unavailable, retryable, where nobody listens', async () => {
    await world.server.close();
    await failing(() => world.store.get('a'), { retryable: true, message: expect.stringContaining('ECONNREFUSED') });
  });

  it('names the region where the bucket is', async () => {
    const redirect: Fault = {
      kind: 'status',
      status: 301,
      code: 'PermanentRedirect',
      headers: { 'x-amz-bucket-region': 'far-2' },
    };
    const malformed: Fault = {
      kind: 'status',
      status: 400,
      code: 'AuthorizationHeaderMalformed',
      xml: '<Region>far-2</Region>',
    };
    for (const fault of [redirect, malformed]) {
      world.server.fault = always(fault);
      await failing(() => world.store.get('a'), {
        retryable: false,
        message: expect.stringContaining('the bucket is in region far-2, not in home-1'),
      });
    }
  });

  it('names what was refused, and does not ask again', async () => {
    world.server.fault = always({ kind: 'status', status: 403, code: 'AccessDenied' });
    for (const [operation, ask] of [
      ['GetObject', () => world.store.get('a')],
      ['PutObject', () => world.store.putIfAbsent('b', new Uint8Array(1))],
      ['DeleteObject', () => world.store.delete('a')],
    ] as const) {
      world.server.requests.length = 0;
      await failing(ask, { retryable: false, message: expect.stringContaining(`${operation} of`) });
      expect(world.server.requests).toHaveLength(1);
    }
  });

  it('names the bucket that is not there', async () => {
    world.server.fault = always({ kind: 'status', status: 404, code: 'NoSuchBucket' });
    const expected = { retryable: false, message: expect.stringContaining('there is no bucket fake-bucket') };
    await failing(() => world.store.get('a'), expected);
    await failing(() => world.store.putIfAbsent('b', new Uint8Array(1)), expected);
  });

  it('takes only NoSuchKey for a missing object', async () => {
    // What versitygw says of an access key that it does not know.
    world.server.fault = always({ kind: 'status', status: 404, code: 'XAdminUserNotFound' });
    await failing(() => world.store.get('a'), { retryable: false });
    await failing(() => world.store.localFile('a'), { retryable: false });
  });

  it('refuses a whole object where a range was asked for', async () => {
    world.server.fault = (request) => {
      delete request.headers.range;
      return undefined;
    };
    await failing(() => world.store.get('a', { start: 2, length: 3 }), {
      message: expect.stringContaining('ignores ranges'),
    });
  });

  it('says out-of-range with the size, also for no bytes at all', async () => {
    const outOfRange = { kind: 'out-of-range', context: { key: 'a', sizeBytes: 10 } };
    await expect(world.store.get('a', { start: 8, length: 3 })).rejects.toMatchObject(outOfRange);
    await expect(world.store.get('a', { start: 11, length: 0 })).rejects.toMatchObject(outOfRange);
    expect(await world.store.get('a', { start: 10, length: 0 })).toHaveLength(0);
  });
});

describe('S3ObjectStore on a server that falls silent', () => {
  let world: FaultyWorld;
  beforeEach(async () => {
    world = await FaultyWorld.open(SHORT_TIMEOUTS);
    world.put('a', '0123456789');
  });
  afterEach(() => world.close());

  it('ends as unavailable, retryable, where the server accepts and never answers', async () => {
    world.server.fault = always({ kind: 'silence' });
    await Promise.all([
      failing(() => world.store.get('a'), { retryable: true }),
      failing(() => world.store.putIfAbsent('b', new Uint8Array(1_000)), { retryable: true }),
      failing(() => world.store.delete('a'), { retryable: true }),
      failing(() => world.store.list('')[Symbol.asyncIterator]().next(), { retryable: true }),
    ]);
  });

  it('ends as unavailable, retryable, where the connection goes dead in the middle of a body', async () => {
    world.server.fault = always({ kind: 'stalled-body', afterBytes: 4 });
    await Promise.all([
      failing(() => world.store.get('a'), { retryable: true }),
      failing(() => world.store.localFile('a'), { retryable: true }),
    ]);
  });
});
