import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { EXIT } from '../exit-codes.ts';
import { sendJson, sendNdjson, startFakeServer, type FakeRequest, type FakeServer } from '../testing/fake-server.ts';
import { HttpSession } from './http-session.ts';
import { collectRows, type LoadProgress } from './session.ts';

let answer: (request: FakeRequest, response: ServerResponse) => void;
let server: FakeServer;
let stop: AbortController;
let session: HttpSession;

beforeEach(async () => {
  server = await startFakeServer((request, response) => answer(request, response));
  stop = new AbortController();
  session = new HttpSession(server.url, stop.signal);
});
afterEach(() => server.close());

describe('questions about ticks', () => {
  const question = {
    recordType: 'trades',
    filter: { exchange: 'ASX', symbols: ['BHP', 'A,B'], fromUs: 0, toUs: 1_500_000 },
    asOf: { kind: 'snapshot', snapshotId: 9_007_199_254_740_993n },
    fields: ['timestamp', 'price'],
    order: 'newest-first',
    limit: 7,
  } as const;

  it('say everything that was asked for', async () => {
    answer = (_, response) => sendNdjson(response, []);
    await collectRows(await session.ticks(question));
    const [{ url, accept }] = server.requests as [FakeRequest];
    expect(accept).toBe('application/x-ndjson');
    expect(url.pathname).toBe('/v1/trades');
    expect([...url.searchParams].sort()).toEqual(
      [
        ['exchange', 'ASX'],
        ['symbol', 'BHP'],
        ['symbol', 'A,B'],
        ['from', '1970-01-01T00:00:00.000Z'],
        ['to', '1970-01-01T00:00:01.500Z'],
        ['asOf', '9007199254740993'],
        ['fields', 'timestamp,price'],
        ['order', 'newest-first'],
        ['limit', '7'],
      ].sort(),
    );
  });

  it('are answered with rows, completeness and snapshot', async () => {
    const completeness = { status: 'unverifiable', reason: 'not numbered' };
    const headers = { 'k2-completeness': JSON.stringify(completeness), 'k2-snapshot-id': '9007199254740993' };
    answer = (_, response) => sendNdjson(response, [{ price: '36.667' }, { price: '36.714' }], headers);
    const stream = await session.ticks(question);
    expect(stream.provenance).toEqual({ completeness, snapshotId: '9007199254740993' });
    expect(await collectRows(stream)).toEqual([{ price: '36.667' }, { price: '36.714' }]);
  });

  it('fail where the answer breaks off, so that a part never passes for the whole', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"price":"1"}\n', () => response.destroy());
    };
    const stream = session.ticks(question).then(collectRows);
    await expect(stream).rejects.toMatchObject({ name: 'CliError', exitCode: EXIT.unreachable });
  });
});

describe('an error of the API', () => {
  it('is told in the words of its problem document', async () => {
    answer = (_, response) => sendJson(response, 400, { title: 'The SQL does not run', detail: 'no column pricce' });
    const asked = session.query('select pricce from trades', 1);
    await expect(asked).rejects.toMatchObject({ message: 'no column pricce', exitCode: EXIT.failed });
  });

  it('that says unavailable is the server’s state', async () => {
    answer = (_, response) => sendJson(response, 503, { detail: 'the server is stopping' });
    await expect(session.query('select 1', 1)).rejects.toMatchObject({ exitCode: EXIT.unreachable });
  });

  it('may come from something that is not the API', async () => {
    answer = (_, response) => {
      response.writeHead(502);
      response.end('<html>Bad gateway');
    };
    const asked = session.query('select 1', 1);
    await expect(asked).rejects.toMatchObject({
      message: expect.stringContaining('502'),
      exitCode: EXIT.unreachable,
    });
  });
});

it('a server that is gone is told by its address', async () => {
  await server.close();
  const asked = session.stats();
  await expect(asked).rejects.toMatchObject({
    message: expect.stringContaining(server.url),
    exitCode: EXIT.unreachable,
  });
});

it('SQL is posted, with its limit', async () => {
  answer = (_, response) => sendNdjson(response, [{ n: 91874 }]);
  expect(await collectRows(await session.query('select count(*) n from trades', 2))).toEqual([{ n: 91874 }]);
  const [{ method, url, body }] = server.requests as [FakeRequest];
  expect([method, url.pathname, JSON.parse(body)]).toEqual([
    'POST',
    '/v1/query',
    { sql: 'select count(*) n from trades', limit: 2 },
  ]);
});

it.each([
  [60_000_000, '60s'],
  [86_400_000_000, '1d'],
  [90_000_000_000, '90000s'],
])('a bar of %d µs is asked for as %s', async (intervalUs, interval) => {
  answer = (_, response) => sendNdjson(response, []);
  await session.bars({ filter: {}, asOf: { kind: 'latest' }, intervalUs, limit: 1 });
  expect(server.requests[0]!.url.searchParams.get('interval')).toBe(interval);
});

describe('a load', () => {
  /** The lake is counted before it, and as of what it found and left. */
  function lakeCounts(...counts: readonly Record<string, number>[]) {
    const left = [...counts];
    return (lines: readonly unknown[]) => {
      answer = ({ url, body }, response) => {
        if (url.pathname === '/v1/loads') return sendNdjson(response, lines);
        const isCount = body.includes('as trades');
        const refusal = { reason: 'malformed-row', place: 'asx:trades/1.csv:4', n: 1 };
        sendNdjson(response, isCount ? [left.shift()] : [refusal]);
      };
    };
  }
  const comparison = { completedSessions: 0, completedRows: 0, differingSessions: 1, notTakenRows: 2, differences: [] };
  const unread = { count: 1, names: ['trades/2.csv.gz'] };
  const finished = {
    event: 'finished',
    committed: true,
    readRows: 12,
    lake: { beforeUs: 1_000_000, afterUs: 2_000_000 },
    othersWrote: false,
    unread,
    comparison,
  };

  it('tells its progress, and what became of each row', async () => {
    lakeCounts(
      { trades: 90, quotes: 10, quarantined: 0, refused_us: 0 },
      { trades: 100, quotes: 10, quarantined: 0, refused_us: 0 },
      { trades: 104, quotes: 13, quarantined: 1, refused_us: 5 },
    )([{ event: 'started' }, { event: 'progress', acknowledgedTicks: 4, doneBytes: 50, totalBytes: 100 }, finished]);
    const progress: LoadProgress[] = [];
    const summary = await session.load('asx:/files', (at) => progress.push(at));
    expect(progress).toEqual([{ rows: 4, doneBytes: 50, totalBytes: 100 }]);
    expect(summary).toEqual({
      feed: 'asx:/files',
      rows: 12,
      committed: true,
      kept: { trades: 4, quotes: 3 },
      duplicates: 2,
      quarantined: 1,
      othersWrote: false,
      refusals: [{ reason: 'malformed-row', count: 1, places: ['asx:trades/1.csv:4'] }],
      unread,
      comparison,
    });
  });

  it('that fails on the way is a failure', async () => {
    lakeCounts({ trades: 0, quotes: 0, quarantined: 0, refused_us: 0 })([
      { event: 'started' },
      { event: 'failed', problem: { detail: 'trades/1.csv went away' } },
    ]);
    await expect(session.load('asx:/files', () => undefined)).rejects.toThrow('trades/1.csv went away');
  });

  it('without an outcome is a failure, not a load of nothing', async () => {
    lakeCounts({ trades: 0, quotes: 0, quarantined: 0, refused_us: 0 })([{ event: 'started' }]);
    await expect(session.load('asx:/files', () => undefined)).rejects.toMatchObject({ exitCode: EXIT.unreachable });
  });
});

it('snapshots and tables have the columns that a directory gives them', async () => {
  answer = ({ url }, response) =>
    sendJson(
      response,
      200,
      url.pathname === '/v1/stats'
        ? {
            tables: [
              {
                table: 't',
                rowCount: 1,
                fileCount: 2,
                sizeBytes: 3,
                snapshotCount: 4,
                snapshotId: '5',
                committedTime: 'now',
              },
            ],
          }
        : {
            data: [
              {
                table: 't',
                snapshotId: '5',
                progress: [{ topic: 'a', partition: 0, topicId: 'x', nextOffset: 6 }],
                alterations: [],
              },
            ],
          },
    );
  expect(await collectRows(await session.stats())).toEqual([
    { table: 't', rows: 1, files: 2, bytes: 3, snapshots: 4, snapshot_id: '5', committed_at: 'now' },
  ]);
  const [snapshot] = await collectRows(await session.snapshots({ table: 'market_data.trades', limit: 5 }));
  expect(snapshot).toMatchObject({ snapshot_id: '5', progress: [{ topic: 'a', partition: 0, next_offset: 6 }] });
});

it('files without a digest are those that the last maintenance of the server found, where it does any', async () => {
  let maintain: object | null = { tables: [{ table: 'market_data.trades', files: 3, uncheckedFiles: 2 }] };
  answer = (_, response) => sendJson(response, 200, { maintain });
  expect(await session.uncheckedFiles()).toEqual(new Map([['market_data.trades', 2]]));
  maintain = null;
  expect(await session.uncheckedFiles()).toEqual(new Map());
});
