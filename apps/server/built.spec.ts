import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '../..');

let built: string;

/** What SWC makes of this project: decorator metadata that the build loses is lost here, too. */
beforeAll(async () => {
  await mkdir(join(ROOT, 'tmp'), { recursive: true });
  built = await mkdtemp(join(ROOT, 'tmp/server-'));
  const filter = (path: string) => !['dist', 'node_modules'].includes(basename(path)) && !path.endsWith('.spec.ts');
  await cp(import.meta.dirname, built, { recursive: true, filter });
  const build = spawn(process.execPath, ['tools/build/swc-build.mjs', built], {
    cwd: ROOT,
    env: plainEnv(),
    stdio: 'inherit',
  });
  expect((await once(build, 'exit'))[0]).toBe(0);
}, 60_000);
afterAll(() => rm(built, { recursive: true, force: true }));

/** Without Jest's flags. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

interface Run {
  readonly child: ChildProcess;
  /** Resolves with what was printed when the process ends. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function run(...args: string[]): Run {
  const node = ['--conditions=k2-source', '--disable-warning=ExperimentalWarning', join(built, 'dist/main.js')];
  const child = spawn(process.execPath, [...node, ...args], {
    cwd: ROOT,
    env: plainEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  const ended = Promise.all([exit, text(child.stdout!), text(child.stderr!)]).then(([[code], stdout, stderr]) => ({
    code,
    stdout,
    stderr,
  }));
  return { child, ended };
}

/** Where the API says that it is. */
async function urlOf({ child, ended }: Run): Promise<string> {
  let printed = '';
  const greeted = new Promise<string>((resolve) => {
    child.stdout!.on('data', (data) => {
      printed += String(data);
      const url = /API +(http:\S+)\/v1/.exec(printed);
      if (url !== null) resolve(url[1]);
    });
  });
  const died = ended.then(({ code, stderr }) => Promise.reject(new Error(`ended with ${code}: ${stderr}`)));
  return Promise.race([greeted, died]);
}

describe('the built server', () => {
  it('checks DTOs, greets with where things are, and ends with 0 when told to', async () => {
    const server = run('--storage', 'memory', '--feed', 'none', '--port', '0');
    const url = await urlOf(server);
    const bad = await fetch(`${url}/v1/trades?limit=none&nonsense=1`);
    expect([bad.status, bad.headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
    const worse = await fetch(`${url}/v1/trades?limit=none`);
    expect([worse.status, ((await worse.json()) as { errors: object[] }).errors]).toEqual([
      400,
      [{ field: 'limit', value: 'none', expected: 'an integer from 1 to 1000000' }],
    ]);
    expect((await fetch(`${url}/v1/trades?limit=1`)).status).toBe(200);
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
      paths: Record<string, { get?: { parameters: object[] } }>;
    };
    expect(document.paths['/v1/trades'].get!.parameters.length).toBeGreaterThan(5);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'k2_http_requests_total{method="GET",route="/v1/trades",status="400"} 2',
    );
    server.child.kill('SIGTERM');
    const { code, stdout, stderr } = await server.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${url}/docs`)]);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'request', status: 400, correlationId: expect.any(String) }),
    );
  }, 30_000);

  it('refuses a wrong setting by name with 2, and a port that is taken with 1', async () => {
    const wrong = await run('--port', 'high').ended;
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('--port is "high": expected an integer from 0 to 65535'),
    ]);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const second = await run('--storage', 'memory', '--feed', 'none', '--port', String(port)).ended;
    taken.close();
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`port ${port} of 127.0.0.1 is taken`)]);
  }, 30_000);

  it('leaves a data directory to the process that has it, naming it, with 3', async () => {
    const data = join(built, 'data');
    const holder = run('--data', data, '--feed', 'none', '--port', '0');
    const url = await urlOf(holder);
    const { code, stderr } = await run('--data', data, '--feed', 'none', '--port', '0').ended;
    expect([code, stderr]).toEqual([3, expect.stringContaining(`process ${holder.child.pid} `)]);
    expect(stderr).toContain(url);
    holder.child.kill('SIGINT');
    expect((await holder.ended).code).toBe(0);
  }, 30_000);

  it('ends with 1 and the reason when all that it ran has stopped for good', async () => {
    const nowhere = join(built, 'nowhere');
    const { code, stderr } = await run(
      '--storage',
      'memory',
      '--role',
      'ingest',
      '--feed',
      `asx:${nowhere}`,
      '--port',
      '0',
    ).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining(nowhere)]);
  }, 30_000);

  it('commits what was received before it ends', async () => {
    const data = join(built, 'committed');
    const args = ['--data', data, '--port', '0', '--log-level', 'error'];
    const first = run(...args, '--feed', 'simulator');
    const url = await urlOf(first);
    const acknowledged = async (at: string) =>
      ((await (await fetch(`${at}/v1/stats`)).json()) as Stats).feeds[0]?.acknowledgedTicks ?? 0;
    for (let attempt = 0; attempt < 500 && (await acknowledged(url)) === 0; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const received = await acknowledged(url);
    expect(received).toBeGreaterThan(0);
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    const second = run(...args, '--feed', 'none');
    const { tables, log } = (await (await fetch(`${await urlOf(second)}/v1/stats`)).json()) as Stats;
    const rows = tables
      .filter(({ table }) => table.startsWith('market_data.'))
      .reduce((sum, { rowCount }) => sum + rowCount, 0);
    expect(log.lagRecords).toBe(0);
    expect(rows).toBeGreaterThanOrEqual(received);
    second.child.kill('SIGTERM');
    await second.ended;
  }, 60_000);
});

interface Stats {
  readonly feeds: readonly { readonly acknowledgedTicks: number }[];
  readonly tables: readonly { readonly table: string; readonly rowCount: number }[];
  readonly log: { readonly lagRecords: number };
}
