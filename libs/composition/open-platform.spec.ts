import { cpSync, mkdtempSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHolder } from '@k2/adapter-sqlite';
import { tradeBatch } from '@k2/testing/builders';
import { untilCommitted } from '@k2/usecases';
import { openPlatform } from './open-platform.ts';
import { readSettings } from './settings.ts';

const START = '2026-01-05T14:30:00Z';
const TAPE = `simulator:ticks=5000,rate=max,start=${START},session=s`;
const OPTIONS = { timeoutMs: 30_000 };

describe('the embedded platform', () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'k2-composition-'));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  const settingsOf = (feeds: string, role = 'all') =>
    readSettings({ data, feeds, role, logLevel: 'error' }, { K2_FLUSH_INTERVAL_MS: '50' });
  const load = async () => {
    const opened = await openPlatform(settingsOf('none', 'sink'), { access: 'write', command: 'test' });
    opened.platform.start();
    const report = await opened.platform.load(opened.createFeed(TAPE), new AbortController().signal);
    const counts = opened.platform.status.sink!.counts;
    await opened.close();
    return { report, counts };
  };
  const rowCounts = async () => {
    const opened = await openPlatform(settingsOf('none', 'api'), { access: 'read' });
    const stats = await opened.platform.ports.store.stats();
    await opened.close();
    return stats
      .filter(({ table }) => table.startsWith('market_data'))
      .reduce((sum, { rowCount }) => sum + rowCount, 0);
  };

  it('carries a feed into the lake, and the same feed again adds nothing', async () => {
    const first = await load();
    expect(first.report).toMatchObject({ state: 'finished', committed: true, acknowledgedTicks: 5_000 });
    expect(await rowCounts()).toBe(5_000);
    const second = await load();
    expect(second.counts).toMatchObject({ taken: 5_000, duplicates: 5_000, kept: 0 });
    expect(await rowCounts()).toBe(5_000);
  }, 60_000);

  it('embedded.linked-directory: is the same lake by whatever link it is opened', async () => {
    const real = data;
    await load();
    data = `${real}-link`;
    symlinkSync(real, data);
    try {
      expect(await rowCounts()).toBe(5_000);
      expect((await load()).counts).toMatchObject({ taken: 5_000, duplicates: 5_000, kept: 0 });
    } finally {
      rmSync(data);
      data = real;
    }
    expect(await rowCounts()).toBe(5_000);
  }, 60_000);

  it('embedded.copied-directory: is refused, saying where its tables are and that they cannot be moved', async () => {
    const original = data;
    await load();
    data = `${original}-copy`;
    cpSync(original, data, { recursive: true });
    try {
      const refusal = await load().catch((error: Error) => error.message);
      expect(refusal).toContain(`file://${original}/warehouse/`);
      expect(refusal).toContain('cannot be moved or copied: open them at the path where they were made');
    } finally {
      rmSync(data, { recursive: true, force: true });
      data = original;
    }
  }, 60_000);

  it('embedded.poison-tick: a tick that the tables cannot hold is quarantined, and those around it are committed', async () => {
    const opened = await openPlatform(settingsOf('none', 'sink'), { access: 'write', command: 'test' });
    const { log, store } = opened.platform.ports;
    const topic = 'market.equities.trades.asx';
    await log.declareTopic({ name: topic, partitions: 1, framing: 'block' });
    const good = tradeBatch({ count: 3 });
    // Its third trade id is not UTF-8.
    const bytes = good.tradeId.bytes.map((byte, at) => (at >= good.tradeId.offsets[2] ? 0xff : byte));
    const poison = { ...good, tradeId: { ...good.tradeId, bytes } };
    await log.append(topic, { kind: 'ticks', batch: poison });
    await log.append(topic, { kind: 'ticks', batch: tradeBatch({ firstSequence: 4, count: 3 }) });
    opened.platform.start();
    const signal = new AbortController().signal;
    expect(await untilCommitted(opened.platform.ports, signal)).toBe(true);
    const { counts, paused, error } = opened.platform.status.sink!;
    const rows = new Map((await store.stats()).map(({ table, rowCount }) => [table, rowCount]));
    await opened.close();
    expect({ counts, paused, error }).toMatchObject({
      counts: { kept: 5, quarantined: 1, gaps: 1 },
      paused: [],
      error: null,
    });
    expect([rows.get('market_data.trades'), rows.get('audit.quarantine')]).toEqual([5, 1]);
  }, 60_000);

  it('has one writer; readers may look beside it', async () => {
    const holder = await openPlatform(settingsOf('none', 'sink'), { access: 'write', command: 'the first' });
    holder.announce('http://127.0.0.1:1');
    const second = openPlatform(settingsOf('none', 'sink'), { access: 'write', command: 'the second' });
    await expect(second).rejects.toMatchObject({ kind: 'directory-locked', context: { pid: process.pid } });
    expect(await readHolder(data)).toMatchObject({ command: 'the first', url: 'http://127.0.0.1:1' });
    expect(await rowCounts()).toBe(0);
    await holder.close();
    expect(await readHolder(data)).toBeNull();
  }, 60_000);

  it('commits what was acknowledged before it stops, and removes what an earlier process left half made', async () => {
    // No process has a number this high.
    mkdirSync(join(data, 'tmp', `${hostname()}-99999999-dead`), { recursive: true });
    mkdirSync(join(data, 'tmp', `${hostname()}-${process.ppid}-alive`));
    const opened = await openPlatform(settingsOf(TAPE), { access: 'write', command: 'test' });
    opened.platform.start();
    while (opened.platform.status.feeds[0].state !== 'finished') await opened.platform.ports.scheduler.sleep(10);
    await opened.close();
    expect(await rowCounts()).toBe(5_000);
    expect(readdirSync(join(data, 'tmp'))).toEqual([`${hostname()}-${process.ppid}-alive`]);
  }, 60_000);

  it('gives everything back where it cannot be built', async () => {
    const wrong = openPlatform(settingsOf('simulator:nonsense=1'), { access: 'write', command: 'test' });
    await expect(wrong).rejects.toMatchObject({ kind: 'misconfigured' });
    expect(await readHolder(data)).toBeNull();
  }, 60_000);
});

it('the memory platform answers what it was fed, and touches no disk', async () => {
  const settings = readSettings({ data: '/nowhere', feeds: TAPE, storage: 'memory', logLevel: 'error' }, {});
  const opened = await openPlatform(settings, { access: 'write' });
  opened.platform.start();
  while (opened.platform.status.feeds[0].state !== 'finished') await opened.platform.ports.scheduler.sleep(10);
  await opened.platform.stop();
  const request = {
    recordType: 'trades' as const,
    filter: { exchange: 'SIMX' },
    asOf: { kind: 'latest' as const },
    order: 'oldest-first' as const,
    limit: 10,
  };
  const page = await opened.platform.answers.page(request, OPTIONS);
  expect(page).toMatchObject({ rowCount: 10, completeness: { status: 'complete' } });
  await opened.close();
}, 60_000);
