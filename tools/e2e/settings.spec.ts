import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BuiltProcess } from './built-process.ts';
import { scenario, scratchDirectory, withLogs } from './scenario.ts';
import { runServer, ServerUnderTest } from './server-under-test.ts';

describe('settings', () => {
  scenario('come from the environment, and from flags first', async () => {
    const [data, port] = [join(scratchDirectory(), 'lake'), await freePort()];
    const env = { K2_DATA: data, K2_PORT: String(port), K2_FEED: 'simulator' };
    const server = await ServerUnderTest.start({ data: null, feed: 'none', env });
    expect(server.url).toBe(`http://127.0.0.1:${port}`);
    expect(existsSync(join(data, 'catalog.db'))).toBe(true);
    expect((await server.stats()).feeds).toEqual([]);
    await server.stop();
  });

  it.each([
    ['--port', ['--port', 'high'], {}, ['"high"', 'from 0 to 65535']],
    ['K2_PORT', [], { K2_PORT: '70000' }, ['"70000"', 'from 0 to 65535']],
    ['--feed', ['--feed', 'nasdaq'], {}, ['"nasdaq"', 'simulator', 'asx:DIR']],
    ['gaps', ['--feed', 'simulator:gaps=2'], {}, ['2', 'from 0 to 0.5']],
    ['--storage', ['--storage', 'disk'], {}, ['"disk"', 'embedded, services, memory']],
    ['K2_QUERY_TIMEOUT_MS', [], { K2_QUERY_TIMEOUT_MS: '30s' }, ['"30s"', 'an integer from 1']],
    ['--prot', ['--prot', '1'], {}, ['--port']],
  ] satisfies [string, string[], Record<string, string>, string[]][])(
    'that are wrong end the start with 2, naming %s and what was expected',
    withLogs(async (key: string, flags: string[], env: Record<string, string>, expected: string[]) => {
      const data = join(scratchDirectory(), 'lake');
      const { code, stdout, stderr } = await runServer(flags, { K2_DATA: data, K2_FEED: 'none', ...env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      for (const text of [key, ...expected]) expect(stderr).toContain(text);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }),
    30_000,
  );

  scenario('with a port that is taken end the start with 1, naming the port and the flag', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const data = scratchDirectory();
    const refused = await runServer(['--data', data, '--feed', 'none', '--port', String(port)]);
    taken.close();
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(new RegExp(`port ${port} .*--port`));
    const next = await ServerUnderTest.start({ data });
    await next.stop();
  });
});

describe('k2 up', () => {
  scenario('runs the server, passes its flags on, and Ctrl-C stops it in good order', async () => {
    const data = scratchDirectory();
    const args = ['up', '--data', data, '--port', '0', '--feed', 'none'];
    const started = await ServerUnderTest.of(new BuiltProcess('apps/cli/dist/main.js', args), data);
    expect((await started.get('/health/ready')).status).toBe(200);
    expect(await started.stop('SIGINT')).toMatchObject({ code: 0, stdout: expect.stringContaining(started.url) });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
