import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { LoadReport } from '@k2/composition';
import { PortError, type FeedEvent, type MarketFeed } from '@k2/ports';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from '../app.ts';
import { FakePlatform } from '../test-support/fake-platform.ts';

const FEED: MarketFeed = { name: 'asx:/files', venues: [], open: async function* () {} };
const REPORT: LoadReport = {
  feed: FEED.name,
  state: 'finished',
  acknowledgedTicks: 6,
  acknowledgedRejections: 1,
  doneBytes: 100,
  totalBytes: 100,
  unread: { count: 1, names: ['trades/1.csv.gz'] },
  error: null,
  committed: true,
  readRows: 7,
  lake: { beforeUs: null, afterUs: 1_394_500_000_000_000 },
  othersWrote: false,
  comparison: { completedSessions: 0, completedRows: 0, differingSessions: 0, notTakenRows: 0, differences: [] },
};
const ticks = (count: number): FeedEvent => ({ kind: 'ticks', batch: tradeBatch({ count }) });

let platform: FakePlatform;
let app: NestFastifyApplication;

beforeEach(async () => {
  platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
  platform.createFeed = () => FEED;
  app = await createApp(platform.context());
});
afterEach(() => app.close());

const load = (feed = 'asx:/files') => app.inject({ method: 'POST', url: '/v1/loads', payload: { feed } });
const events = (body: string) =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Throws where it does not come true within some seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let attempt = 0; !holds(); attempt++) {
    if (attempt === 400) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a load', () => {
  it('tells how far it is and ends with what became of it', async () => {
    platform.load = async (_feed, _signal, listener) => {
      listener(ticks(4));
      listener({ kind: 'progress', source: 'a.csv', doneBytes: 60, totalBytes: 100 });
      return REPORT;
    };
    const { statusCode, headers, body } = await load();
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    expect(events(body)[0]).toEqual({ event: 'started', feed: 'asx:/files' });
    expect(events(body).at(-1)).toEqual({ event: 'finished', ...REPORT });
  });

  it('that was stopped before all was committed does not say finished', async () => {
    platform.load = async () => ({ ...REPORT, state: 'stopped', committed: false });
    expect(events((await load()).body).at(-1)).toMatchObject({ event: 'stopped', committed: false });
  });

  it('that waits for another says for which, and goes on when it has ended', async () => {
    const ended = Promise.withResolvers<void>();
    platform.load = async (_feed, _signal, listener, waits) => {
      waits('asx:/others');
      await ended.promise;
      listener(ticks(4));
      return REPORT;
    };
    await app.listen(0, '127.0.0.1');
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: '{"feed":"asx:/files"}' };
    const { body } = await fetch(`${await app.getUrl()}/v1/loads`, request);
    let text = '';
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('waiting')) ended.resolve();
    }
    expect(events(text).map(({ event }) => event)).toEqual(expect.arrayContaining(['started', 'waiting', 'finished']));
    expect(events(text)[1]).toEqual({ event: 'waiting', ahead: 'asx:/others' });
  });

  it('that fails midway says so in its last line', async () => {
    platform.load = async (_feed, _signal, listener) => {
      listener(ticks(4));
      throw new PortError('unavailable', 'http://10.0.0.7 does not answer');
    };
    expect(events((await load()).body).at(-1)).toMatchObject({
      event: 'failed',
      acknowledgedTicks: 4,
      problem: { status: 503, detail: expect.stringContaining('cannot be reached now') },
    });
    const logged = platform.lines.find(({ message }) => message === 'a load failed');
    expect(logged).toMatchObject({ fields: { error: { message: 'http://10.0.0.7 does not answer' } } });
  });

  it('whose files turn out to be wrong midway names the feed in its last line', async () => {
    platform.load = async (_feed, _signal, listener) => {
      listener(ticks(4));
      throw new PortError('misconfigured', '/files/trades/2.csv is no regular file');
    };
    const { problem } = events((await load()).body).at(-1) as { problem: object };
    expect(problem).toMatchObject({
      type: 'urn:k2:problem:invalid-feed',
      errors: [{ field: 'feed', value: 'asx:/files', expected: expect.stringContaining('asx:DIR') }],
    });
  });

  it('of a directory that is none is a 400, whether that shows at once or on reading', async () => {
    platform.load = () => Promise.reject(new PortError('misconfigured', '/files is not a directory'));
    expect((await load()).statusCode).toBe(400);
    platform.createFeed = () => {
      throw new PortError('misconfigured', '/files is not a directory');
    };
    expect((await load()).statusCode).toBe(400);
    expect((await load('simulator')).statusCode).toBe(400);
  });

  it('stops when its caller leaves', async () => {
    const stopped = new Promise<void>((resolve) => {
      platform.load = (_feed, signal, listener) => {
        listener(ticks(1));
        return new Promise((done) => signal.addEventListener('abort', () => [resolve(), done(REPORT)]));
      };
    });
    await app.listen(0, '127.0.0.1');
    const leave = new AbortController();
    const request = {
      method: 'POST',
      signal: leave.signal,
      headers: { 'content-type': 'application/json' },
      body: '{"feed":"asx:/files"}',
    };
    const { body } = await fetch(`${await app.getUrl()}/v1/loads`, request);
    await body!.getReader().read();
    leave.abort();
    await stopped;
  });

  it('is refused beside two others, and taken again after', async () => {
    const finish: (() => void)[] = [];
    platform.load = (_feed, _signal, listener) => {
      listener(ticks(1));
      return new Promise((resolve) => finish.push(() => resolve(REPORT)));
    };
    const running = [load(), load()];
    await until(() => finish.length === 2);
    const third = await load();
    expect([third.statusCode, third.headers['retry-after']]).toEqual([429, '10']);
    for (const done of finish.splice(0)) done();
    expect((await Promise.all(running)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    const fourth = load();
    await until(() => finish.length === 1);
    finish[0]();
    expect((await fourth).statusCode).toBe(200);
  });

  it('needs a sink in this process', async () => {
    const other = await createApp(platform.context({ role: ['api'] }));
    const { statusCode } = await other.inject({ method: 'POST', url: '/v1/loads', payload: { feed: 'asx:/files' } });
    expect(statusCode).toBe(409);
    await other.close();
  });
});
