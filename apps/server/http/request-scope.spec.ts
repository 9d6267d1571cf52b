import { describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { EventEmitter } from 'node:events';
import type { Scheduler } from '@k2/ports';
import { RequestScope } from './request-scope.ts';

/** The deadline passes when `pass` is called. */
function deadline(): { readonly scheduler: Scheduler; readonly pass: () => void } {
  let pass: () => void = () => undefined;
  const sleep = () => new Promise<void>((resolve) => (pass = resolve));
  return { scheduler: { sleep, yield: async () => undefined }, pass: () => pass() };
}

function responseTo(raw: EventEmitter & { destroyed?: boolean }): FastifyReply {
  return { raw } as unknown as FastifyReply;
}

describe('the scope of a request', () => {
  it('cancels work that takes longer than the deadline, and discards what comes of it', async () => {
    const { scheduler, pass } = deadline();
    const scope = new RequestScope(responseTo(new EventEmitter()), scheduler, 10);
    const { promise, resolve } = Promise.withResolvers<string>();
    const discarded: string[] = [];
    const answer = scope.within(promise, (late) => discarded.push(late));
    pass();
    await expect(answer).rejects.toMatchObject({ kind: 'timeout' });
    expect(scope.options.signal.aborted).toBe(true);
    resolve('a file');
    await promise;
    expect(discarded).toEqual(['a file']);
  });

  it('disposes of answers that come too late, alone or with their provenance', async () => {
    let disposals = 0;
    const answer = { [Symbol.asyncDispose]: async () => void disposals++ };
    for (const late of [answer, { answer, snapshotId: 1n }]) {
      const { scheduler, pass } = deadline();
      const scope = new RequestScope(responseTo(new EventEmitter()), scheduler, 10);
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
    const scope = new RequestScope(responseTo(raw), deadline().scheduler, 10);
    raw.emit('close');
    expect(scope.options.signal.aborted).toBe(true);
    const gone = Object.assign(new EventEmitter(), { destroyed: true });
    expect(new RequestScope(responseTo(gone), deadline().scheduler, 10).options.signal.aborted).toBe(true);
  });
});
