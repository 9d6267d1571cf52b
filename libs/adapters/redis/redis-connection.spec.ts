import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TEST_CA_CERTIFICATE, TEST_SERVER } from '@k2/testing/certificates';
import { RedisDedupStore } from './redis-dedup-store.ts';
import { RedisStateStore } from './redis-state-store.ts';
import { CountingTelemetry, systemPorts, until } from './test-support/ports.ts';

let open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open) await each.close();
  open = [];
});

/** Takes connections and does with each as told. */
async function listen(serve: (socket: Socket) => void, isSecure = false) {
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    serve(socket);
  };
  const { key, certificate: cert } = TEST_SERVER;
  const server = isSecure ? createTlsServer({ key, cert }, accept) : createServer(accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

async function freePort(): Promise<number> {
  const { port } = await listen(() => undefined);
  await open.pop()!.close();
  return port;
}

/** For servers that will not answer: still time enough to connect to them on a busy machine. */
const SILENCE_MS = 300;

async function openDedup(url: string, more: Partial<Parameters<typeof RedisDedupStore.open>[0]> = {}) {
  const telemetry = new CountingTelemetry();
  const store = await RedisDedupStore.open({
    url,
    windowMs: 60_000,
    timeoutMs: 2_000,
    reconnectDelayMs: 1,
    reconnectDelayMsMax: 5,
    telemetry,
    ...systemPorts,
    ...more,
  });
  open.unshift(store);
  return { store, telemetry };
}

/** Enough of the protocol to be taken for Redis: each command gets the answer of its kind, `null` none. */
function answering(answer: (command: string) => string | null): (socket: Socket) => void {
  return (socket) =>
    socket.on('data', (bytes) => {
      for (const [, command] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n/g)) {
        const said = command === 'HELLO' ? '%0\r\n' : command === 'CLIENT' ? '+OK\r\n' : answer(command);
        if (said !== null) socket.write(said);
      }
    });
}

describe('stores of a Redis that is away', () => {
  it('open, and say so at once', async () => {
    const port = await freePort();
    const { store, telemetry } = await openDedup(`redis://127.0.0.1:${port}`);
    for (let i = 0; i < 100; i++) {
      await expect(store.seen(['a'])).rejects.toMatchObject({
        kind: 'unavailable',
        retryable: true,
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
    }
    const state = await RedisStateStore.open({
      url: `redis://127.0.0.1:${port}`,
      telemetry,
      ...systemPorts,
    });
    open.unshift(state);
    await expect(state.put(new Map([['a', '1']]))).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(telemetry.lines.filter((line) => line.startsWith('warn')).length).toBe(2);
  });

  it('give up a server that takes connections and says nothing, and try again', async () => {
    const { port } = await listen(() => undefined);
    let connections = 0;
    const counted = await listen((socket) => {
      connections++;
      socket.resume();
    });
    const { store } = await openDedup(`redis://127.0.0.1:${port}`, { timeoutMs: 20 });
    await expect(store.remember(['a'])).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    await openDedup(`redis://127.0.0.1:${counted.port}`, { timeoutMs: 20 });
    await until('a third connection', async () => connections >= 3);
    expect(counted.sockets.size).toBeLessThanOrEqual(1);
  });

  it('give up a call that is not answered, with its connection, and every other call on it', async () => {
    const { port } = await listen(answering(() => null));
    const { store, telemetry } = await openDedup(`redis://127.0.0.1:${port}`, { timeoutMs: SILENCE_MS });
    const connections = () => telemetry.lines.filter((line) => line.includes('connected to')).length;
    await until('connected', async () => connections() > 0);
    const lost = telemetry.sum('k2_redis_connections_lost');
    const outcomes = await Promise.allSettled([store.seen(['a']), store.remember(['b']), store.seen(['c'])]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable', retryable: true } });
    }
    expect(telemetry.sum('k2_redis_connections_lost')).toBe(lost + 1);
    await until('a new connection', async () => connections() > lost + 1);
  });

  it('fail further calls when too many wait', async () => {
    const { port } = await listen(answering(() => null));
    const { store, telemetry } = await openDedup(`redis://127.0.0.1:${port}`, { callsMax: 2, timeoutMs: SILENCE_MS });
    await until('connected', async () => telemetry.lines.at(-1)?.includes('connected to') ?? false);
    const waiting = [store.seen(['a']), store.seen(['b'])];
    await expect(store.seen(['c'])).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      message: expect.stringContaining('2 of our calls'),
    });
    await Promise.allSettled(waiting);
  });

  it.each([
    ['LOADING Redis is loading the dataset in memory', true],
    ['OOM command not allowed when used memory > maxmemory', true],
    ['NOPERM this user has no permissions', false],
    ['MOVED 3999 127.0.0.1:6381', false],
  ])('pass on what Redis refuses with %s', async (message, retryable) => {
    const { port } = await listen(answering(() => `-${message}\r\n`));
    const { store, telemetry } = await openDedup(`redis://127.0.0.1:${port}`);
    await expect(store.seen(['a'])).rejects.toMatchObject({
      kind: 'unavailable',
      retryable,
      message: expect.stringContaining(message),
    });
    expect(telemetry.sum('k2_redis_connections_lost')).toBe(0);
  });

  it('trust the CA that they are told to, and only certificates that they trust', async () => {
    const { port } = await listen(
      answering(() => '*1\r\n$1\r\n1\r\n'),
      true,
    );
    const url = `rediss://127.0.0.1:${port}`;
    const { store } = await openDedup(url, { caCertificates: TEST_CA_CERTIFICATE });
    expect([...(await store.seen(['a']))]).toEqual([1]);
    const { store: distrustful } = await openDedup(url);
    await expect(distrustful.seen(['a'])).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  });

  it('never show a password', async () => {
    const port = await freePort();
    const { store, telemetry } = await openDedup(`redis://k2:s3cret@127.0.0.1:${port}/2`);
    const error = await store.seen(['a']).catch((reason: unknown) => reason as Error);
    expect(JSON.stringify(error) + (error as Error).message + telemetry.lines.join()).not.toContain('s3cret');
    expect((error as Error).message).toContain(`redis://127.0.0.1:${port}/2`);
  });

  it('are closed once they were closed, also while they connect', async () => {
    const { port } = await listen(() => undefined);
    const { store } = await openDedup(`redis://127.0.0.1:${port}`, { timeoutMs: 20 });
    await store.close();
    await expect(store.seen(['a'])).rejects.toMatchObject({ kind: 'closed' });
    await expect(store.remember([])).rejects.toMatchObject({ kind: 'closed' });
  });

  it.each(['127.0.0.1:6379', 'http://127.0.0.1', 'redis://', 'redis://127.0.0.1/name'])(
    'refuse %s for a URL',
    async (url) => {
      await expect(openDedup(url)).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    },
  );
});
