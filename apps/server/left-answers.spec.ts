import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import type { MarketFeed } from '@k2/ports';
import { tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';

const TRADES = 60_000;
/** Of each format: more than there are processes in a pool. */
const LEAVERS = 2;
/** Of JSON, which waits in memory: more than there is room for. */
const JSON_LEAVERS = 20;
/** Random, so that it is large in every format. */
const LARGE_SQL =
  'SELECT md5(concat(i)) AS a, md5(concat(i, 1)) AS b, md5(concat(i, 2)) AS c FROM range(100000000) t(i)';

const FEED: MarketFeed = {
  name: 'test',
  venues: [{ exchange: 'ASX', sequenceOrigin: 'venue' }],
  open: async function* () {
    yield { kind: 'ticks', batch: tradeBatch({ count: TRADES }) };
  },
};

/** Neither a deadline nor idleness ends what the caller has left. */
const ONE_PROCESS_A_POOL = {
  K2_QUERY_PROCESSES: '1',
  K2_SQL_PROCESSES: '1',
  K2_QUERY_TIMEOUT_MS: '120000',
  K2_QUERY_IDLE_MS: '120000',
};

let data: string;
let open: OpenPlatform;
let app: NestFastifyApplication;
let url: URL;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'k2-left-'));
  const options = { data: join(data, 'k2'), feeds: 'none', logLevel: 'error' };
  const settings = readSettings(options, ONE_PROCESS_A_POOL);
  open = await openPlatform(settings, { access: 'write' });
  const metrics = () => open.metrics();
  app = await createApp({ ...open, settings, metrics, isStopping: () => false });
  await app.listen(0, '127.0.0.1');
  url = new URL(await app.getUrl());
  open.platform.start();
  const { committed } = await open.platform.load(FEED, new AbortController().signal);
  expect(committed).toBe(true);
}, 120_000);
afterAll(async () => {
  await app.close();
  await open.close();
  await rm(data, { recursive: true, force: true });
});

interface Asked {
  readonly path: string;
  readonly body?: object;
}

/** Asks, reads the head and some bytes more, stops reading, and leaves. The status line; of a refusal all that came. */
async function leaveInTheMiddle({ path, body }: Asked): Promise<string> {
  const { hostname, port } = url;
  const socket: Socket = connect(Number(port), hostname);
  const payload = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${payload.length}`]),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${payload}`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  socket.destroy();
  const text = first.toString('latin1');
  const status = text.split('\r\n', 1)[0];
  return status.endsWith(' 200 OK') ? status : text;
}

/** Of the engine's questions, by pool and state. */
async function questions(): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  const counts = [...metrics.matchAll(/^k2_query_engine_questions\{[^}]*\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  );
  expect(counts.length).toBeGreaterThan(3);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Files that answers were written to: they have a name while they are written, and are open until they are sent. */
async function answerFiles(): Promise<readonly string[]> {
  const named = (await readdir(data, { recursive: true })).filter((path) => path.includes('answer-'));
  const handles = await readdir('/proc/self/fd').catch(() => []);
  const open = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  return [...named, ...open.filter((path) => path.includes('answer-'))];
}

async function comesTo<Value>(of: () => Promise<Value>, wanted: Value): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (JSON.stringify(await of()) === JSON.stringify(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect(await of()).toEqual(wanted);
}

describe('a caller who leaves in the middle of a large answer', () => {
  const formats = ['ndjson', 'csv', 'arrow', 'parquet'];
  it.each([
    ...formats.map((format) => ({ path: `/v1/trades?format=${format}` })),
    { path: '/v1/trades?limit=10000' },
    { path: '/v1/bars?interval=1s&format=csv' },
    { path: '/v1/symbols?format=ndjson' },
    ...formats.map((format) => ({ path: `/v1/query?format=${format}`, body: { sql: LARGE_SQL, limit: 200_000 } })),
    { path: '/v1/query', body: { sql: `SELECT repeat('x', 1500) FROM trades`, limit: 10_000 } },
  ])(
    'leaves no question, process, file or memory behind: $path',
    async (asked) => {
      const leavers = asked.path === '/v1/query' ? JSON_LEAVERS : LEAVERS;
      for (let leaver = 0; leaver < leavers; leaver++) {
        expect(await leaveInTheMiddle(asked)).toBe('HTTP/1.1 200 OK');
      }
      await comesTo(questions, 0);
      await comesTo(answerFiles, []);
      // The one process of each pool is there for others.
      for (const path of ['/v1/trades?limit=1', '/v1/symbols?limit=1']) {
        expect([path, (await fetch(new URL(path, url))).status]).toEqual([path, 200]);
      }
      const sql = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"sql":"SELECT 1"}' };
      expect((await fetch(new URL('/v1/query', url), sql)).status).toBe(200);
    },
    120_000,
  );
});
