import { describe, expect } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '@k2/composition';
import { k2Json } from './cli-under-test.ts';
import { scenario, scratchDirectory, until } from './scenario.ts';
import { runServer, ServerUnderTest, type TickPage } from './server-under-test.ts';

interface SymbolRow {
  readonly exchange: string;
  readonly symbol: string;
  readonly record_type: string;
  readonly tick_count: number;
}

const DEFAULT_COMMITS = { K2_FLUSH_INTERVAL_MS: String(SETTINGS.flushIntervalMs.default) };

const COUNTS = `SELECT count(*) AS ticks, count(DISTINCT (exchange, symbol, session, source_sequence)) AS identities,
  count(DISTINCT session) AS sessions FROM`;

interface Counts {
  readonly ticks: number;
  readonly identities: number;
  readonly sessions: number;
}

async function firstSymbol(server: ServerUnderTest): Promise<SymbolRow> {
  const ask = () => server.json<{ readonly data: readonly SymbolRow[] }>('/v1/symbols');
  const { data } = await until('a symbol', ask, (answer) => answer.data.length > 0);
  return data.find(({ record_type }) => record_type === 'trades') ?? data[0];
}

describe('a first start on an empty directory', () => {
  scenario(
    'answers within seconds, keeps its files together, and stops with all it acknowledged committed',
    async () => {
      const data = join(scratchDirectory(), 'new', 'lake');
      const server = await ServerUnderTest.start({ data, feed: 'simulator', env: DEFAULT_COMMITS });
      const { exchange, symbol } = await firstSymbol(server);
      const query = new URLSearchParams({ exchange, symbol, limit: '10' });
      const page = await server.json<TickPage>(`/v1/trades?${query}`);
      expect(page.data[0]).toMatchObject({ exchange, symbol, source_sequence: 1 });
      expect(page.completeness).toEqual({ status: 'complete' });

      const commandsSee = await k2Json<SymbolRow>(data, 'symbols', '--exchange', exchange, '--symbol', symbol);
      expect(commandsSee).toContainEqual(expect.objectContaining({ exchange, symbol, record_type: 'trades' }));

      const acknowledged = (await server.stats()).feeds[0].acknowledgedTicks;
      expect(acknowledged).toBeGreaterThan(0);
      const { code } = await server.stop('SIGINT');
      expect(code).toBe(0);
      expect(readdirSync(data)).toEqual(expect.arrayContaining(['catalog.db', 'log.db', 'warehouse']));
      expect(existsSync(join(data, 'server.json'))).toBe(false);

      const tables = await k2Json<{ table: string; rows: number }>(data, 'stats');
      const kept = tables
        .filter(({ table }) => table.startsWith('market_data.'))
        .reduce((sum, { rows }) => sum + rows, 0);
      expect(kept).toBeGreaterThanOrEqual(acknowledged);
    },
  );

  scenario('leaves a directory that is in use to the process that has it, which it names', async () => {
    const holder = await ServerUnderTest.start();
    const { code, stdout, stderr } = await runServer(['--data', holder.data, '--port', '0', '--feed', 'none']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain(`process ${holder.pid} `);
    expect(stderr).toContain(holder.url);
    expect((await holder.json<{ readonly status: string }>('/health/ready')).status).toBe('ready');
    await holder.stop();
  });
});

describe('a second start', () => {
  scenario('goes on: totals only grow, no tick is there twice, the new session stands beside the old one', async () => {
    const first = await ServerUnderTest.start({ feed: 'simulator:rate=3000,venues=1,instruments=10' });
    await until(
      'rows',
      () => first.sql<Counts>(`${COUNTS} quotes`),
      ([row]) => row!.ticks > 0,
    );
    await first.stop('SIGTERM');
    const resting = await ServerUnderTest.start({ data: first.data });
    const [before] = await resting.sql<Counts>(`${COUNTS} quotes`);
    expect(before!.identities).toBe(before!.ticks);
    expect(before!.sessions).toBe(1);
    await resting.stop();

    const second = await ServerUnderTest.start({
      data: first.data,
      feed: 'simulator:rate=3000,venues=1,instruments=10',
    });
    let least = before!.ticks;
    const growing = async () => {
      const [counts] = await second.sql<Counts>(`${COUNTS} quotes`);
      expect(counts!.ticks).toBeGreaterThanOrEqual(least);
      least = counts!.ticks;
      return counts!;
    };
    const after = await until('ticks of a second session', growing, ({ sessions }) => sessions === 2);
    expect(after.ticks).toBeGreaterThan(before!.ticks);
    expect(after.identities).toBe(after.ticks);
    expect((await second.stop()).code).toBe(0);
  });
});
