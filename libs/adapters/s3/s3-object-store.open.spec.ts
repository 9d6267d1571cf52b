import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3ObjectStoreConfig } from './s3-config.ts';
import { S3ObjectStore } from './s3-object-store.ts';
import { FakeS3, type Fault } from './test-support/fake-s3.ts';
import { FaultyWorld } from './test-support/faulty-world.ts';
import { openPorts } from './test-support/ports.ts';

const TWO_HOURS_MS = 7_200_000;
const TWO_DAYS_MS = 172_800_000;

describe('S3ObjectStore.open', () => {
  let server: FakeS3;
  let directory: string;
  beforeEach(async () => {
    server = await FakeS3.start();
    directory = await mkdtemp(join(tmpdir(), 'k2-s3-'));
  });
  afterEach(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  const open = (config: Partial<S3ObjectStoreConfig> = {}, ports = openPorts()) =>
    S3ObjectStore.open(FaultyWorld.config(server, directory, config), ports);
  const uploadBegun = (key: string, ageMs: number) =>
    server.uploads.set(`upload of ${key}`, {
      key,
      parts: new Map(),
      headers: {},
      initiated: new Date(Date.now() - ageMs),
    });

  it('refuses a server that ignores the condition of a put, and leaves nothing there', async () => {
    server.honoursConditions = false;
    await expect(open()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining('ignores If-None-Match'),
    });
    expect(server.objects.size).toBe(0);
  });

  it('refuses a server that does not implement the condition', async () => {
    server.fault = ({ method, headers }) =>
      method === 'PUT' && headers['if-none-match'] !== undefined
        ? { kind: 'status', status: 501, code: 'NotImplemented' }
        : undefined;
    await expect(open()).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  });

  it('takes its own repetition of the probe for what it is', async () => {
    server.failNext(({ method }) => method === 'PUT', { kind: 'lost-answer' });
    await (await open()).close();
  });

  it('leaves no probe behind, lists none, and removes those of dead processes', async () => {
    server.put('lake/.k2-probe/old', 'x');
    server.put('lake/.k2-probe/young', 'x');
    Object.assign(server.objects.get('lake/.k2-probe/old')!, { modified: new Date(Date.now() - TWO_HOURS_MS) });
    const store = await open();
    expect([...server.objects.keys()]).toEqual(['lake/.k2-probe/young']);
    expect(await store.list('')[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    await expect(store.get('.k2-probe/young')).rejects.toMatchObject({ kind: 'invalid-key' });
    await store.close();
  });

  it('aborts uploads that dead processes left in the middle, in its own folder only', async () => {
    uploadBegun('lake/old', TWO_DAYS_MS);
    uploadBegun('lake/young', TWO_HOURS_MS);
    uploadBegun('elsewhere/old', TWO_DAYS_MS);
    await (await open()).close();
    expect([...server.uploads.keys()]).toEqual(['upload of lake/young', 'upload of elsewhere/old']);
  });

  it('opens where the policy does not let it list uploads, and says so', async () => {
    server.fault = ({ query }) =>
      query.has('uploads') ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined;
    const ports = openPorts();
    await (await open({}, ports)).close();
    expect(ports.telemetry.messages).toEqual([expect.stringContaining('could not be listed')]);
  });

  it('says what is wrong with the bucket', async () => {
    await expect(open({ bucket: 'another-bucket' })).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining('there is no bucket another-bucket'),
    });
    const denied: Fault = { kind: 'status', status: 403, code: 'AccessDenied' };
    for (const [method, operation] of [
      ['GET', 'ListObjectsV2'],
      ['PUT', 'PutObject'],
      ['DELETE', 'DeleteObject'],
    ]) {
      server.fault = (request) => (request.method === method ? denied : undefined);
      await expect(open()).rejects.toMatchObject({
        kind: 'unavailable',
        retryable: false,
        context: { operation },
      });
    }
  });

  it('names the value that cannot be', async () => {
    for (const [name, value] of [
      ['bucket', 's3://bucket'],
      ['bucket', 'a/b'],
      ['prefix', '/lake'],
      ['prefix', 'lake/'],
      ['endpoint', 'localhost:9000'],
      ['region', ''],
      ['partBytes', 1_000],
      ['requestsMax', 0],
      ['cacheBytesMax', -1],
      ['idleTimeoutMs', Number.NaN],
    ] as const) {
      await expect(open({ [name]: value })).rejects.toThrow(RangeError);
      await expect(open({ [name]: value })).rejects.toThrow(new RegExp(`^${name} of the S3 store`));
    }
  });

  it('maps keys to s3:// URIs, and takes those that Hadoop writes', async () => {
    const store = await open();
    expect(store.uri('a/b.parquet')).toBe('s3://fake-bucket/lake/a/b.parquet');
    expect(store.key('s3a://fake-bucket/lake/a/b.parquet')).toBe('a/b.parquet');
    for (const uri of [
      's3://fake-bucket/a',
      's3://fake-bucket/lake',
      's3://fake-bucket/lakes/a',
      's3://other/lake/a',
    ]) {
      expect(() => store.key(uri)).toThrow(expect.objectContaining({ kind: 'invalid-key' }));
    }
    await store.close();
    const whole = await open({ prefix: '' });
    expect(whole.key(whole.uri('a'))).toBe('a');
    expect(whole.uri('a')).toBe('s3://fake-bucket/a');
    await whole.close();
  });
});
