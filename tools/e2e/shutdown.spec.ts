import { describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuiltProcess, REPOSITORY, type Ended } from './built-process.ts';
import { scenario, scratchDirectory, until } from './scenario.ts';
import { runServer, ServerUnderTest } from './server-under-test.ts';

const SERVER = 'apps/server/dist/main.js';
/** Whatever hangs, a stop of these settings is over after 3 s. */
const BRISK = { K2_DRAIN_TIMEOUT_MS: '1000', K2_CLOSE_TIMEOUT_MS: '2000', K2_FLUSH_INTERVAL_MS: '100' };
const END_TIMEOUT_MS = 40_000;

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}): BuiltProcess {
  return new BuiltProcess(SERVER, ['--port', '0', ...args], { ...BRISK, ...env }, { ownGroup: true });
}

/** SIGTERM, and then all of its process group has to end. */
async function terminated(process: BuiltProcess): Promise<Ended> {
  process.signal('SIGTERM');
  return allEnded(process);
}

async function allEnded(process: BuiltProcess): Promise<Ended> {
  const ended = await process.endWithin(END_TIMEOUT_MS);
  await until('the end of its process group', async () => process.groupIsGone, Boolean);
  return ended;
}

/** A server whose catalog answers nothing from when `silence` is called, with ticks in the log that are not committed. */
async function withSilentCatalog(env: Readonly<Record<string, string>> = {}) {
  const data = scratchDirectory();
  const silentFile = join(scratchDirectory(), 'silent');
  const process = launch(['--data', data, '--feed', 'simulator'], {
    K2_CATALOG: join(REPOSITORY, 'tools/e2e/test-processes/silent-catalog.mjs'),
    CATALOG_FILE: join(data, 'catalog.db'),
    SILENT_FILE: silentFile,
    ...env,
  });
  const server = await ServerUnderTest.of(process, data);
  const acknowledged = async () => (await server.stats()).feeds[0]!.acknowledgedTicks;
  await until('ticks', acknowledged, (ticks) => ticks > 0);
  writeFileSync(silentFile, '');
  return process;
}

describe('SIGTERM ends a server and all that it has started', () => {
  scenario('while it starts and a server that it needs does not answer', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const process = launch(['--data', scratchDirectory(), '--storage', 'services', '--feed', 'none'], {
      K2_KAFKA_BROKERS: `127.0.0.1:${port}`,
    });
    await until(
      'a connection',
      async () => sockets.length,
      (count) => count > 0,
    );
    expect(await terminated(process)).toMatchObject({ code: 0, stdout: '' });
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  scenario('while its feed hangs in a read', async () => {
    const files = scratchDirectory();
    mkdirSync(join(files, 'trades'));
    execFileSync('mkfifo', [join(files, 'trades', 'trades.csv')]);
    const process = launch(['--data', scratchDirectory(), '--feed', `asx:${files}`]);
    await ServerUnderTest.of(process, '');
    await terminated(process);
  });

  scenario('while a query runs', async () => {
    const process = launch(['--data', scratchDirectory(), '--feed', 'none']);
    const server = await ServerUnderTest.of(process, '');
    const answer = server.post('/v1/query', { sql: 'SELECT count(*) FROM range(1000000000000)' }).catch(() => null);
    const metrics = async () => (await server.get('/metrics')).text();
    await until('the query', metrics, (text) =>
      /^k2_query_engine_\w+\{[^}]*pool="sql"[^}]*state="running"[^}]*\} 1/m.test(text),
    );
    expect((await terminated(process)).code).toBe(0);
    await answer;
  });

  scenario('while it drains and the catalog does not answer, and it says what did not end', async () => {
    const { code, stderr } = await terminated(await withSilentCatalog());
    expect(code).toBe(1);
    expect(stderr).toContain('K2 could not stop cleanly: sink: had not ended after 1000 ms');
    expect(stderr).toContain('The next start goes on from what was committed');
  });

  scenario('at once when it is asked a second time', async () => {
    const process = await withSilentCatalog({ K2_DRAIN_TIMEOUT_MS: '3600000' });
    process.signal('SIGTERM');
    // A repeat within a second is an echo of the first.
    await sleep(1_500);
    expect((await terminated(process)).code).toBe(130);
  });
});

describe('k2 up under npm', () => {
  scenario('ends when the shell that npm runs it in is told to end', async () => {
    const data = scratchDirectory();
    const args = ['up', '--data', data, '--port', '0', '--feed', 'simulator'];
    const env = { ...BRISK, npm_command: 'exec' };
    const shell = new BuiltProcess('apps/cli/bin/k2.mjs', args, env, { inShell: true, ownGroup: true });
    await ServerUnderTest.of(shell, data);
    await terminated(shell);
  });
});

describe('a data directory', () => {
  scenario('that cannot be made ends the start with 2, naming it', async () => {
    const { code, stdout, stderr } = await runServer(['--data', '/proc/k2', '--port', '0', '--feed', 'none']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^k2: the data directory \/proc\/k2 cannot be made or written: .*--data/);
  });

  scenario('that K2 makes is its user’s alone', async () => {
    const data = join(scratchDirectory(), 'new', 'lake');
    const process = launch(['--data', data, '--feed', 'simulator:ticks=1000,rate=max']);
    const server = await ServerUnderTest.of(process, data);
    await server.drained();
    const open = execFileSync('find', [join(data, '..'), '-perm', '/077'], { encoding: 'utf8' });
    expect(open).toBe('');
    await terminated(process);
  });
});
