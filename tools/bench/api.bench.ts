import { spawn, type ChildProcess } from 'node:child_process';
import http from 'node:http';
import { openBench } from './lake.ts';
import { percentile, report } from './figure.ts';
import { asxDirectory, scratchDirectory, serverMain } from './scratch.ts';
import { tapeFeed } from './tape.ts';

const WARM_UP = 100;
const REQUESTS = 1_000;

const data = scratchDirectory();
const asx = asxDirectory();
await fill();
const server = startServer();
const url = await listening(server);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

const symbol = asx === null ? 'exchange=SIMX&symbol=SIMX0001' : 'exchange=ASX&symbol=BHP';
const day = asx === null ? 'from=2026-01-05&to=2026-01-06' : 'from=2014-03-10&to=2014-03-11';
const week = asx === null ? 'from=2026-01-05&to=2026-01-10' : 'from=2014-03-09&to=2014-03-15';
const smallSymbol = asx === null ? symbol : 'exchange=ASX&symbol=DVN';

await measure('api_symbol_day_1000_rows', `/v1/trades?${symbol}&${day}&limit=1000`);
await measure('api_symbol_day_small', `/v1/trades?${smallSymbol}&${day}&limit=1000`);
await measure('api_bars_5_days', `/v1/bars?${symbol}&${week}&interval=1m&limit=10000`);
await measure('api_last_100', `/v1/trades?${symbol}&order=newest-first&limit=100`);
agent.destroy();
server.kill('SIGTERM');
await new Promise((resolve) => server.once('close', resolve));

async function fill(): Promise<void> {
  const opened = await openBench(data, 'none', 'sink');
  opened.platform.start();
  const start = Date.UTC(2026, 0, 5, 14, 30) * 1_000;
  const feed = asx === null ? tapeFeed(2_000_000, { start, step: 200_000 }) : opened.createFeed(`asx:${asx}`);
  await opened.platform.load(feed, new AbortController().signal);
  await opened.close();
}

function startServer(): ChildProcess {
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

async function measure(name: string, path: string): Promise<void> {
  const times: number[] = [];
  let rows = 0;
  for (let i = 0; i < WARM_UP + REQUESTS; i++) {
    const start = performance.now();
    const body = await get(path);
    if (i >= WARM_UP) times.push(performance.now() - start);
    if (i === 0) rows = (JSON.parse(body) as { data: unknown[] }).data.length;
  }
  const note = `${rows} rows an answer, one connection`;
  report({ name: `${name}_p50_ms`, value: percentile(times, 0.5), unit: 'ms', count: REQUESTS, note });
  report({ name: `${name}_p99_ms`, value: percentile(times, 0.99), unit: 'ms', count: REQUESTS, note });
}

function get(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url + path, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${path} answered ${response.statusCode}: ${body.slice(0, 500)}`));
      });
    });
    request.on('error', reject);
  });
}
