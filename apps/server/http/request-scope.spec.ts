import { describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { EventEmitter } from 'node:events';
import type { Clock, Scheduler } from '@k2/ports';
import { RequestScope } from './request-scope.ts';

/** The deadline passes when `pass` is called; `sleeps` are the times that were waited for. */
function deadline() {
  let pass: () => void = () => undefined;
  let nowUs = 0;
  const sleeps: number[] = [];
  const sleep = (ms: number) => {
    sleeps.push(ms);
    return new Promise<void>((resolve) => (pass = resolve));
  };
  const scheduler: Scheduler = { sleep, yield: async () => undefined };
  const clock: Clock = { nowUs: () => nowUs, monotonicUs: () => nowUs };
  return { scheduler, clock, sleeps, pass: () => pass(), advanceMs: (ms: number) => (nowUs += ms * 1_000) };
}

function responseTo(raw: EventEmitter & { destroyed?: boolean }): FastifyReply {
  return { raw } as unknown as FastifyReply;
}

describe('the scope of a request', () => {
  it('cancels work that takes longer than the deadline, and discards what comes of it', async () => {
    const { pass, ...time } = deadline();
    const scope = new RequestScope(responseTo(new EventEmitter()), time, 10);
    const { promise, resolve } = Promise.withResolvers<string>();
    const discarded: string[] = [];
    const answer = scope.within(promise, (late) => discarded.push(late));
    pass();
    await expect(answer).rejects.toMatchObject({ kind: 'timeout' });
    expect(scope.options.signal!.aborted).toBe(true);
    resolve('a file');
    await promise;
    expect(discarded).toEqual(['a file']);
  });

  it('has one deadline over all of its steps: what one takes, the next has not', async () => {
    const time = deadline();
    const scope = new RequestScope(responseTo(new EventEmitter()), time, 5_000);
    await scope.within(Promise.resolve('what the SQL reads'));
    expect(scope.options).toMatchObject({ timeoutMs: 5_000, spentMs: 0 });
    time.advanceMs(4_000);
    await scope.within(Promise.resolve('its rows'));
    expect(scope.options).toMatchObject({ timeoutMs: 5_000, spentMs: 4_000 });
    time.advanceMs(4_000);
    await scope.within(Promise.resolve('too late already'));
    // A second more than what is left: the engine ends its questions by itself, and says more of them.
    expect(time.sleeps).toEqual([6_000, 2_000, 1_000]);
  });

  it('disposes of answers that come too late, alone or with their provenance', async () => {
    let disposals = 0;
    const answer = { [Symbol.asyncDispose]: async () => void disposals++ };
    for (const late of [answer, { answer, snapshotId: 1n }]) {
      const { pass, ...time } = deadline();
      const scope = new RequestScope(responseTo(new EventEmitter()), time, 10);
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const asked = scope.within(promise);
      pass();
      await expect(asked).rejects.toMatchObject({ kind: 'timeout' });
      resolve(late);
      await promise;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(disposals).toBe(2);
  });

  it('cancels what still runs when the response is over, however it ended', () => {
    const raw = new EventEmitter();
    const scope = new RequestScope(responseTo(raw), deadline(), 10);
    raw.emit('close');
    expect(scope.options.signal!.aborted).toBe(true);
    const gone = Object.assign(new EventEmitter(), { destroyed: true });
    expect(new RequestScope(responseTo(gone), deadline(), 10).options.signal!.aborted).toBe(true);
  });
});
