import { afterEach, describe, expect, it } from '@jest/globals';
import { access, readFile } from 'node:fs/promises';
import type { FakeRequest, Fault } from './test-support/fake-s3.ts';
import { FaultyWorld } from './test-support/faulty-world.ts';

const MIB = 2 ** 20;
const large = Buffer.concat([Buffer.alloc(5 * MIB, 'part 1'), Buffer.alloc(5 * MIB, 'part 2'), Buffer.from('part 3')]);
const isPart = ({ method, query }: FakeRequest) => method === 'PUT' && query.has('partNumber');
const isCompletion = ({ method, query }: FakeRequest) => method === 'POST' && query.has('uploadId');

describe('S3ObjectStore with files', () => {
  let world: FaultyWorld;
  afterEach(() => world.close());

  const inParts = { multipartBytesMin: 6 * MIB, partBytes: 5 * MIB };

  it('sends a large file in parts, a small one whole, and takes both over', async () => {
    world = await FaultyWorld.open(inParts);
    const [largePath, smallPath] = [await world.file(large), await world.file('small')];
    expect(await world.store.putFileIfAbsent('large', largePath)).toEqual({ sizeBytes: large.length });
    expect(world.server.requests.filter(isPart)).toHaveLength(3);
    expect(large.equals(world.bytes('large')!)).toBe(true);
    expect(await world.store.putFileIfAbsent('small', smallPath)).toEqual({ sizeBytes: 5 });
    expect(world.server.requests.filter(isPart)).toHaveLength(3);
    for (const path of [largePath, smallPath]) {
      await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
    }
    expect(world.telemetry.sum('k2_objects_bytes up')).toBeGreaterThan(large.length);
  });

  it('leaves no parts, and the file, where a part fails', async () => {
    world = await FaultyWorld.open(inParts);
    world.server.fault = (request) =>
      isPart(request) && request.query.get('partNumber') === '2'
        ? { kind: 'status', status: 403, code: 'AccessDenied' }
        : undefined;
    const path = await world.file(large);
    await expect(world.store.putFileIfAbsent('large', path)).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      context: { operation: 'UploadPart' },
    });
    expect(world.server.uploads.size).toBe(0);
    expect(world.bytes('large')).toBeNull();
    expect(large.equals(await readFile(path))).toBe(true);
  });

  it('refuses a file put in parts that is no longer what was put: S3 keeps no checksum over all of it', async () => {
    world = await FaultyWorld.open(inParts);
    await world.store.putFileIfAbsent('large', await world.file(large));
    world.bytes('large')![6 * MIB] ^= 0xff;
    await expect(world.store.localFile('large')).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    await world.store.close();
    expect(await world.cached()).toEqual([]);
  });

  it('says where parts are left because the server refuses to abort', async () => {
    world = await FaultyWorld.open(inParts);
    const refused: Fault = { kind: 'status', status: 403, code: 'AccessDenied' };
    world.server.fault = (request) => (isCompletion(request) || request.method === 'DELETE' ? refused : undefined);
    await expect(world.store.putFileIfAbsent('large', await world.file(large))).rejects.toMatchObject({
      context: { operation: 'CompleteMultipartUpload' },
    });
    expect(world.telemetry.messages).toEqual([expect.stringContaining('parts of a failed upload are left')]);
  });

  it('never overwrites, in parts or whole, and leaves no parts when it loses', async () => {
    world = await FaultyWorld.open(inParts);
    world.put('large', 'theirs');
    await expect(world.store.putFileIfAbsent('large', await world.file(large))).rejects.toMatchObject({
      kind: 'already-exists',
      context: { key: 'large' },
    });
    expect(world.content('large')).toBe('theirs');
    expect(world.server.uploads.size).toBe(0);
  });

  it('loses to a writer that comes between the look at the key and the completion', async () => {
    world = await FaultyWorld.open(inParts);
    world.server.fault = (request) => {
      if (isCompletion(request)) world.put('large', 'theirs');
      return undefined;
    };
    await expect(world.store.putFileIfAbsent('large', await world.file(large))).rejects.toMatchObject({
      kind: 'already-exists',
    });
    expect(world.content('large')).toBe('theirs');
    expect(world.server.uploads.size).toBe(0);
  });

  it('completes without a condition where the server knows none there, and says so once', async () => {
    world = await FaultyWorld.open(inParts);
    world.server.fault = (request) =>
      isCompletion(request) && request.headers['if-none-match'] !== undefined
        ? { kind: 'status', status: 501, code: 'NotImplemented' }
        : undefined;
    await world.store.putFileIfAbsent('large', await world.file(large));
    const other = Buffer.concat([large, Buffer.from('!')]);
    await world.store.putFileIfAbsent('other', await world.file(other));
    expect(other.equals(world.bytes('other')!)).toBe(true);
    await expect(world.store.putFileIfAbsent('large', await world.file(other))).rejects.toMatchObject({
      kind: 'already-exists',
    });
    expect(world.telemetry.messages).toEqual([expect.stringContaining('takes no condition')]);
  });

  it('holds no more bytes of files in memory than it may', async () => {
    world = await FaultyWorld.open({ ...inParts, uploadBytesMax: 10 * MIB });
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    let [underWay, most] = [0, 0];
    world.server.fault = (request) => {
      if (!isPart(request)) return undefined;
      most = Math.max(most, ++underWay);
      // Both that fit are there: only then may one end, and make room for the third.
      if (underWay === 2) letGo();
      return { kind: 'wait', until: until.then(() => underWay--) };
    };
    await world.store.putFileIfAbsent('large', await world.file(large));
    expect(most).toBe(2);
  });

  it('says not-found for a local file that is not there', async () => {
    world = await FaultyWorld.open();
    const path = `${world.directory}/nothing`;
    await expect(world.store.putFileIfAbsent('a', path)).rejects.toMatchObject({
      kind: 'not-found',
      context: { localPath: path },
    });
  });

  it('keeps what it wrote as local copy, where that is asked for', async () => {
    world = await FaultyWorld.open({ cacheWrites: true });
    await world.store.putFileIfAbsent('a', await world.file('rows'));
    const local = await world.store.localFile('a');
    expect(await readFile(local.path, 'utf8')).toBe('rows');
    local.release();
    expect(world.requests('GET')).toBe(0);
  });

  it('keeps no copy of what another writer had put', async () => {
    world = await FaultyWorld.open({ cacheWrites: true });
    world.put('a', 'theirs');
    await expect(world.store.putFileIfAbsent('a', await world.file('mine'))).rejects.toMatchObject({
      kind: 'already-exists',
    });
    const local = await world.store.localFile('a');
    expect(await readFile(local.path, 'utf8')).toBe('theirs');
    local.release();
  });

  it('fetches a file once, however many ask for it, and again after it was deleted and put anew', async () => {
    world = await FaultyWorld.open();
    world.put('a', 'rows');
    const files = await Promise.all(Array.from({ length: 10 }, () => world.store.localFile('a')));
    expect(new Set(files.map(({ path }) => path)).size).toBe(1);
    expect(world.requests('GET')).toBe(1);
    await world.store.delete('a');
    await world.store.putIfAbsent('a', new TextEncoder().encode('other rows'));
    const anew = await world.store.localFile('a');
    expect(await readFile(anew.path, 'utf8')).toBe('other rows');
    expect(await readFile(files[0].path, 'utf8')).toBe('rows');
    for (const file of [...files, anew]) file.release();
  });

  it('fetches a file no further once all have left who asked for it, and leaves nothing of it', async () => {
    world = await FaultyWorld.open({ requestsMax: 1, idleTimeoutMs: 600_000 });
    world.put('a', String(large));
    const begun = Promise.withResolvers<void>();
    world.server.fault = () => {
      begun.resolve();
      return { kind: 'stalled-body', afterBytes: 4 };
    };
    const left = new Error('the question is over');
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [first, second].map(({ signal }) => world.store.localFile('a', signal));
    const outcomes = Promise.allSettled(asked);
    await begun.promise;
    first.abort(left);
    await expect(asked[0]).rejects.toBe(left);
    // The one request that may run is still the other's.
    second.abort(left);
    expect((await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([left, left]);
    world.server.fault = () => undefined;
    const local = await world.store.localFile('a', new AbortController().signal);
    expect(large.equals(await readFile(local.path))).toBe(true);
    expect(world.requests('GET')).toBe(2);
    local.release();
    await world.store.close();
    expect(await world.cached()).toHaveLength(1);
  });

  it('has no more requests under way than it may, and refuses beyond those that may wait', async () => {
    world = await FaultyWorld.open({ requestsMax: 3, requestsWaitingMax: 5 });
    world.put('a', 'rows');
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    let [underWay, most] = [0, 0];
    let isFull = () => {};
    const full = new Promise<void>((resolve) => (isFull = resolve));
    world.server.fault = () => {
      most = Math.max(most, ++underWay);
      if (underWay === 3) isFull();
      return { kind: 'wait', until: until.then(() => underWay--) };
    };
    const asked = Array.from({ length: 9 }, () => world.store.get('a').catch((error: unknown) => error));
    expect(await asked[8]).toMatchObject({ kind: 'unavailable', retryable: true, context: { waitingMax: 5 } });
    await full;
    letGo();
    const answers = await Promise.all(asked.slice(0, 8));
    expect(answers.filter((answer) => answer instanceof Uint8Array)).toHaveLength(8);
    expect(most).toBe(3);
  });
});
