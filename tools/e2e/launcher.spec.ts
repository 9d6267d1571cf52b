import { describe, expect } from '@jest/globals';
import { readHolder } from '@k2/composition/holder';
import { BuiltProcess } from './built-process.ts';
import { scenario, scratchDirectory } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

const END_TIMEOUT_MS = 30_000;

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

describe('the launcher of k2', () => {
  scenario('that is killed takes the CLI and its server with it', async () => {
    const data = scratchDirectory();
    const flags = ['up', '--data', data, '--port', '0', '--feed', 'simulator', '--log-level', 'error'];
    const launcher = new BuiltProcess('apps/cli/bin/k2.mjs', flags);
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
    const help = await new BuiltProcess('apps/cli/bin/k2.mjs', ['--help']).endWithin(END_TIMEOUT_MS);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: k2') });
    expect(await new BuiltProcess('apps/cli/bin/k2.mjs', ['tradez']).endWithin(END_TIMEOUT_MS)).toMatchObject({
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
