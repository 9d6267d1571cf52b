import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPlatform, readSettings, type OpenPlatform, type Settings } from '@k2/composition';
import { PortError, type QueryEngine } from '@k2/ports';
import { DirectorySession } from './directory-session.ts';
import { collectRows } from './session.ts';

let files: string;
let opened: OpenPlatform;
let settings: Settings;
let session: DirectorySession;

/** A platform in memory that has loaded three invented trades. */
beforeAll(async () => {
  files = mkdtempSync(join(tmpdir(), 'k2-cli-directory-'));
  mkdirSync(join(files, 'trades'));
  mkdirSync(join(files, 'quotes'));
  mkdirSync(join(files, 'reference-data'));
  writeFileSync(
    join(files, 'reference-data', 'company_info.csv'),
    'company_id,symbol,company_name,ISIN,start_date,end_date\r\n1,ONE,ONE LTD,AU1,01/01/2000,\r\n',
  );
  const rows = ['10:00:00.000,1.10,100,0,,', '10:00:00.001,1.11,200,0,XT,', 'torn', '10:00:02.000,1.09,300,0,,'];
  writeFileSync(join(files, 'trades', '1.csv'), rows.map((row) => `07/02/2013,${row}\r\n`).join(''));

  const env = { K2_FLUSH_INTERVAL_MS: '10' };
  const flags = { storage: 'memory', role: 'sink', feed: 'none', logLevel: 'error', data: files };
  settings = readSettings(flags, env);
  opened = await openPlatform(settings, { access: 'write' });
  const { signal } = new AbortController();
  opened.platform.start();
  await opened.platform.load(opened.createFeed(`asx:${files}`), signal);
  session = new DirectorySession(opened, settings, signal);
});

afterAll(async () => {
  await session.close();
  rmSync(files, { recursive: true });
});

it('ticks come with times in UTC, exact decimals, completeness and snapshot', async () => {
  const stream = await session.ticks({
    recordType: 'trades',
    filter: { exchange: 'ASX', symbols: ['ONE'] },
    asOf: { kind: 'latest' },
    fields: ['timestamp', 'price', 'quantity', 'message_id'],
    order: 'newest-first',
    limit: 2,
  });
  expect(stream.provenance).toEqual({
    completeness: expect.objectContaining({
      ...{ status: 'gaps', gapCount: 1, missingTicks: 1 },
      gaps: [expect.objectContaining({ sequenceFrom: 3, fromTime: '2013-07-02T00:00:00.001Z' })],
    }),
    snapshotId: expect.stringMatching(/^\d+$/),
  });
  expect(await collectRows(stream)).toEqual([
    { timestamp: '2013-07-02T00:00:02.000Z', price: '1.09', quantity: '300', message_id: 'ASX/ONE/2013-07-02/4' },
    { timestamp: '2013-07-02T00:00:00.001Z', price: '1.11', quantity: '200', message_id: 'ASX/ONE/2013-07-02/2' },
  ]);
});

it('symbols, tables and snapshots say how much there is', async () => {
  const [symbol] = await collectRows(await session.symbols({}, 10));
  expect(symbol).toMatchObject({ symbol: 'ONE', tick_count: 3, first_timestamp: '2013-07-02T00:00:00.000Z' });
  const stats = await collectRows(await session.stats());
  expect(stats.find(({ table }) => table === 'market_data.trades')).toMatchObject({ rows: 3 });
  expect(stats.find(({ table }) => table === 'audit.quarantine')).toMatchObject({ rows: 1 });
  const [snapshot] = await collectRows(await session.snapshots({ table: 'market_data.trades', limit: 1 }));
  expect(snapshot).toMatchObject({ total_rows: 3, is_current: true, committed_at: expect.stringMatching(/Z$/) });
});

it('the number of a torn line is a gap', async () => {
  expect(await collectRows(await session.gaps({ filter: {}, limit: 10 }))).toMatchObject([
    { record_type: 'trades', symbol: 'ONE', sequence_from: 3, sequence_to: 3, missing_ticks: 1 },
  ]);
});

it('a question has one deadline, of which finding out what it reads is a part', async () => {
  let nowUs = 0;
  const spentMs: unknown[] = [];
  const engine: Partial<QueryEngine> = {
    sqlReads: async (_sql, options) => {
      spentMs.push(options.spentMs);
      nowUs += 700_000;
      return [];
    },
    ask: async (_question, _plans, options) => {
      spentMs.push(options.spentMs);
      throw new PortError('timeout', 'told of the time it had');
    },
  };
  const { platform } = opened;
  const clock = { nowUs: () => nowUs, monotonicUs: () => nowUs };
  const ports = { ...platform.ports, clock, engine: engine as QueryEngine };
  const load = () => Promise.reject(new Error('nothing is loaded'));
  const directory = { ...opened, platform: { ...platform, ports, load } };
  const asked = new DirectorySession(directory, settings, new AbortController().signal);
  await expect(asked.query('SELECT 1', 10)).rejects.toMatchObject({ kind: 'timeout' });
  expect(spentMs).toEqual([0, 700]);
});
