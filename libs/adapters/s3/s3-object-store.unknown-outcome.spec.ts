import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FakeRequest, Fault } from './test-support/fake-s3.ts';
import { FaultyWorld, SHORT_TIMEOUTS } from './test-support/faulty-world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const isPut = ({ method }: FakeRequest) => method === 'PUT';
const isCompletion = ({ method, query }: FakeRequest) => method === 'POST' && query.has('uploadId');
const large = Buffer.alloc(7 << 20, 'x');
const LOST: Fault = { kind: 'lost-answer' };

describe('S3ObjectStore: a put whose outcome is unknown', () => {
  let world: FaultyWorld;
  beforeEach(async () => {
    world = await FaultyWorld.open({ multipartBytesMin: 6 << 20, partBytes: 5 << 20 });
  });
  afterEach(() => world.close());

  it('succeeds where the SDK repeats a put that landed and is refused because of the first', async () => {
    world.server.failNext(isPut, LOST);
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.requests('PUT')).toBe(2);
    expect(world.content('a')).toBe('mine');
  });

  it('succeeds where it landed and no repetition is ever answered', async () => {
    world.server.fault = (request) => (isPut(request) ? LOST : undefined);
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.content('a')).toBe('mine');
  });

  it('succeeds where it landed and the repetitions meet a server that falls over', async () => {
    const busy: Fault = { kind: 'status', status: 503, code: 'ServiceUnavailable' };
    world.server.failNext(isPut, LOST, busy, busy);
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.content('a')).toBe('mine');
  });

  it('is unavailable and may be repeated where it did not land', async () => {
    world.server.fault = (request) =>
      isPut(request) ? { kind: 'status', status: 500, code: 'InternalError' } : undefined;
    await expect(world.store.putIfAbsent('a', bytes('mine'))).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      context: { key: 'a', operation: 'PutObject', status: 500 },
    });
    world.server.fault = () => undefined;
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.content('a')).toBe('mine');
  });

  it('is unavailable where nobody can tell: the server is gone after it', async () => {
    await world.close();
    world = await FaultyWorld.open(SHORT_TIMEOUTS);
    let hasLanded = false;
    world.server.fault = () => {
      if (hasLanded) return { kind: 'silence' };
      hasLanded = true;
      return LOST;
    };
    await expect(world.store.putIfAbsent('a', bytes('mine'))).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
    });
  });

  it("is a conflict where the answer was lost and another writer's content is there", async () => {
    world.put('a', 'theirs');
    world.server.failNext(isPut, LOST, LOST, LOST);
    await expect(world.store.putIfAbsent('a', bytes('mine'))).rejects.toMatchObject({ kind: 'already-exists' });
    expect(world.content('a')).toBe('theirs');
  });

  it('reads back objects that another program wrote, to tell equal from other content', async () => {
    world.put('a', 'same');
    await world.store.putIfAbsent('a', bytes('same'));
    await expect(world.store.putIfAbsent('a', bytes('soma'))).rejects.toMatchObject({ kind: 'already-exists' });
  });

  it('tries again where another writer is at the same key, and then knows', async () => {
    const conflict: Fault = { kind: 'status', status: 409, code: 'ConditionalRequestConflict' };
    world.server.failNext(isPut, conflict, conflict);
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.content('a')).toBe('mine');
  });

  it('gives up on a key that stays contended', async () => {
    world.server.fault = (request) =>
      isPut(request) ? { kind: 'status', status: 409, code: 'ConditionalRequestConflict' } : undefined;
    await expect(world.store.putIfAbsent('a', bytes('mine'))).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      context: { key: 'a' },
    });
    expect(world.requests('PUT')).toBeLessThan(10);
  });

  it('puts again where the object that was in the way is deleted meanwhile', async () => {
    world.put('a', 'theirs');
    world.server.fault = ({ method }) => {
      if (method === 'HEAD') world.server.objects.clear();
      return undefined;
    };
    await world.store.putIfAbsent('a', bytes('mine'));
    expect(world.content('a')).toBe('mine');
  });

  it('succeeds where the completion of an upload in parts landed and its answer was lost', async () => {
    world.server.failNext(isCompletion, LOST);
    const path = await world.file(large);
    expect(await world.store.putFileIfAbsent('large', path)).toEqual({ sizeBytes: large.length });
    expect(large.equals(world.bytes('large')!)).toBe(true);
    expect(world.server.uploads.size).toBe(0);
  });

  it('leaves no parts where a completion did not land', async () => {
    world.server.fault = (request) =>
      isCompletion(request) ? { kind: 'status', status: 500, code: 'InternalError' } : undefined;
    const path = await world.file(large);
    await expect(world.store.putFileIfAbsent('large', path)).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      context: { operation: 'CompleteMultipartUpload' },
    });
    expect(world.bytes('large')).toBeNull();
    expect(world.server.uploads.size).toBe(0);
  });
});
