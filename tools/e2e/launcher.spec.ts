import { describe, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readHolder } from '@k2/composition/holder';
import { BuiltProcess, REPOSITORY } from './built-process.ts';
import { scenario, scratchDirectory } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

const END_TIMEOUT_MS = 30_000;
/** Of a short command; each takes about half a millisecond. */
const FILES_MAX = 40;

/** Node's options for a process in which no package of that name can be loaded. */
function without(packages: RegExp): Record<string, string> {
  const hook = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (${packages}.test(name)) throw new Error('broken on purpose: ' + name);
        return next(name, context);
      },
    });`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
}

/** Node's options for a process that lists in `file` what it has loaded: files of ours and of npm's, parts of Node's own. */
function listingModules(file: string): Record<string, string> {
  const hook = `
    import { registerHooks } from 'node:module';
    import { writeFileSync } from 'node:fs';
    const urls = [];
    registerHooks({
      load(url, context, next) {
        urls.push(url);
        return next(url, context);
      },
    });
    process.on('exit', () => writeFileSync(${JSON.stringify(file)}, [...urls, ...process.moduleLoadList].join('\\n')));`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
}

describe.each([
  ['on the Node that runs it', 'apps/cli/bin/k2.mjs'],
  ['on another Node', 'tools/e2e/test-processes/hand-over.mjs'],
])('the launcher of k2, %s,', (_, program) => {
  scenario('that is killed takes the CLI and its server with it', async () => {
    const data = scratchDirectory();
    const flags = ['up', '--data', data, '--port', '0', '--feed', 'simulator', '--log-level', 'error'];
    const launcher = new BuiltProcess(program, flags);
    const server = await ServerUnderTest.of(launcher, data);
    const serverPid = (await readHolder(data))!.pid!;
    await launcher.kill();
    // They have its output: it is closed once all of them are gone.
    await launcher.endWithin(END_TIMEOUT_MS).catch((error: unknown) => {
      process.kill(serverPid, 'SIGKILL');
      throw error;
    });
    await expect(server.get('/v1/stats')).rejects.toThrow('fetch failed');
  });

  scenario('passes on what the CLI prints and ends with', async () => {
    const help = await new BuiltProcess(program, ['--help']).endWithin(END_TIMEOUT_MS);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: k2') });
    expect(await new BuiltProcess(program, ['tradez']).endWithin(END_TIMEOUT_MS)).toMatchObject({
      code: 2,
    });
  });
});

describe('with broken adapters', () => {
  const k2 = (args: readonly string[], packages: RegExp) =>
    new BuiltProcess('apps/cli/dist/main.js', args, without(packages)).endWithin(END_TIMEOUT_MS);
  const ALL = /^@k2\/(?:adapter|feed)-|duckdb|inversify/;

  scenario('help is printed, and opening a directory says what is broken', async () => {
    for (const args of [['--help'], ['up', '--help'], ['gaps', '--help']]) {
      expect(await k2(args, ALL)).toMatchObject({ code: 0, stderr: '' });
    }
    expect(await k2(['stats', '--data', scratchDirectory()], ALL)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('broken on purpose: @k2/adapter-'),
    });
  });

  scenario('a running server is still asked: that takes the lock of the directory alone', async () => {
    const server = await ServerUnderTest.start();
    const others = /^@k2\/(?:adapter-(?!sqlite)|feed-)|duckdb|inversify/;
    expect(await k2(['stats', '--data', server.data], others)).toMatchObject({ code: 0, stderr: '' });
    await server.stop();
  });
});

describe('a question to a running server', () => {
  const WORKSPACE = pathToFileURL(`${REPOSITORY}/`).href;

  /** `apps/cli`, `libs/domain` or the name of an npm package, for each file that was loaded. */
  function packagesOf(urls: readonly string[]): readonly string[] {
    return urls.map((url) => {
      const path = url.slice(WORKSPACE.length);
      return path.startsWith('node_modules/') ? path.split('/')[1]! : path.slice(0, path.indexOf('/dist/'));
    });
  }

  scenario('loads its own command and a client, and no more', async () => {
    const server = await ServerUnderTest.start();
    const list = join(scratchDirectory(), 'modules');
    const args = ['query', 'SELECT 1 AS n', '--json', '--url', server.url];
    const asked = await new BuiltProcess('apps/cli/dist/main.js', args, listingModules(list)).endWithin(END_TIMEOUT_MS);
    expect(asked).toMatchObject({ code: 0, stdout: '{"n":1}\n', stderr: '' });
    const loaded = readFileSync(list, 'utf8').split('\n');
    const files = loaded.filter((url) => url.startsWith(WORKSPACE));
    expect([...new Set(packagesOf(files))].sort()).toEqual([
      'apps/cli',
      'commander',
      'libs/composition',
      'libs/domain',
      'libs/ports',
    ]);
    expect(files.length > FILES_MAX ? files : []).toEqual([]);
    // Node's `fetch`, which takes longer to load than all of these.
    expect(loaded.filter((part) => part.includes('undici'))).toEqual([]);
    await server.stop();
  });
});
