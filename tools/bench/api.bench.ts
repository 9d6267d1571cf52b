import { spawn, type ChildProcess } from 'node:child_process';
import http from 'node:http';
import type { OpenPlatform } from '@k2/composition';
import type { MarketFeed } from '@k2/ports';
import { openBench } from './lake.ts';
import { percentile, report } from './figure.ts';
import { asxDirectory, scratchDirectory, serverMain } from './scratch.ts';
import { tapeFeed } from './tape.ts';

const WARM_UP = 100;
const REQUESTS = 1_000;

/** A server, and the one connection to it. */
interface Client {
  readonly url: string;
  readonly agent: http.Agent;
}

const asx = asxDirectory();
await measureSimulated();
if (asx === null) console.log('api_asx_*: not measured, there are no ASX ticks (set K2_ASX_DIR)');
else await measureAsx(asx);

/** Five days of two million ticks, three a second at most for any symbol. */
async function measureSimulated(): Promise<void> {
  const tape = { start: Date.UTC(2026, 0, 5) * 1_000, step: 200_000 };
  await withServer(
    () => tapeFeed(2_000_000, tape),
    async (client) => {
      const [day, week] = ['from=2026-01-06&to=2026-01-07', 'from=2026-01-05&to=2026-01-10'];
      const symbol = await symbolOfTrades(client, 1_000);
      const busy = await symbolOfTrades(client, 1_000_000);
      await measure(client, 'api_symbol_day_1000_rows', `/v1/trades?${symbol}&${day}&limit=10000`);
      await measure(client, 'api_bars_5_days', `/v1/bars?${busy}&${week}&interval=1m&limit=10000`);
      await measure(client, 'api_last_100', `/v1/trades?${symbol}&order=newest-first&limit=100`);
    },
  );
}

/** Real trades: BHP has some 18,000 a day, DVN some 50. */
async function measureAsx(directory: string): Promise<void> {
  await withServer(
    ({ createFeed }) => createFeed(`asx:${directory}`),
    async (client) => {
      const [bhp, day] = ['exchange=ASX&symbol=BHP', 'from=2014-03-10&to=2014-03-11'];
      await measure(client, 'api_asx_first_1000_of_day', `/v1/trades?${bhp}&${day}&limit=1000`);
      await measure(client, 'api_asx_small_symbol_day', `/v1/trades?exchange=ASX&symbol=DVN&${day}&limit=1000`);
      await measure(
        client,
        'api_asx_bars_5_days',
        `/v1/bars?${bhp}&from=2014-03-09&to=2014-03-15&interval=1m&limit=10000`,
      );
      await measure(client, 'api_asx_last_100', `/v1/trades?${bhp}&order=newest-first&limit=100`);
    },
  );
}

async function withServer(
  feed: (opened: OpenPlatform) => MarketFeed,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const data = scratchDirectory();
  const opened = await openBench(data, 'none', 'sink');
  opened.platform.start();
  await opened.platform.load(feed(opened), new AbortController().signal);
  await opened.close();
  const server = startServer(data);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await work({ url: await listening(server), agent });
  } finally {
    agent.destroy();
    server.kill('SIGTERM');
  }
  await new Promise((resolve) => server.once('close', resolve));
}

/** The symbol, as parameters, whose trades on the second simulated day are nearest to so many. */
async function symbolOfTrades(client: Client, count: number): Promise<string> {
  const sql = `SELECT exchange, symbol FROM trades WHERE "timestamp" >= '2026-01-06' AND "timestamp" < '2026-01-07'
    GROUP BY ALL ORDER BY abs(count(*) - ${count}), symbol LIMIT 1`;
  const body = await send(client, '/v1/query', JSON.stringify({ sql }));
  const { data } = JSON.parse(body) as { readonly data: readonly Readonly<Record<string, string>>[] };
  return String(new URLSearchParams(data[0]));
}

function startServer(data: string): ChildProcess {
  const args = [serverMain, '--role', 'api', '--data', data, '--port', '0', '--feed', 'none', '--log-level', 'warn'];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The server prints its address when it listens. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const found = /http:\/\/[\d.]+:\d+/.exec(printed);
      if (found !== null) resolve(found[0]);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened:\n${printed}`)));
  });
}

async function measure(client: Client, name: string, path: string): Promise<void> {
  const times: number[] = [];
  let rows = 0;
  for (let i = 0; i < WARM_UP + REQUESTS; i++) {
    const start = performance.now();
    const body = await send(client, path);
    if (i >= WARM_UP) times.push(performance.now() - start);
    if (i === 0) rows = (JSON.parse(body) as { data: unknown[] }).data.length;
  }
  const note = `${rows} rows an answer, one connection`;
  report({ name: `${name}_p50_ms`, value: percentile(times, 0.5), unit: 'ms', count: REQUESTS, note });
  report({ name: `${name}_p99_ms`, value: percentile(times, 0.99), unit: 'ms', count: REQUESTS, note });
}

/** GET, or POST where there is JSON to send. */
function send({ url, agent }: Client, path: string, json?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = json === undefined ? 'GET' : 'POST';
    const headers = json === undefined ? {} : { 'content-type': 'application/json' };
    const request = http.request(url + path, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${path} answered ${response.statusCode}: ${body.slice(0, 500)}`));
      });
    });
    request.on('error', reject);
    request.end(json);
  });
}
