import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { FakePlatform } from '../test-support/fake-platform.ts';
import { Connections } from './connections.ts';

const LIMITS = { connectionsMax: 3, pipelinedMax: 4, writeIdleMs: 10_000 };

let nowUs: number;
let server: Server;
let connections: Connections;
/** Requests begun and not yet answered. */
let begun: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
let waitingForRequest: (() => void) | null;
const clients: Socket[] = [];
const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });

beforeEach(async () => {
  nowUs = 0;
  begun = [];
  waitingForRequest = null;
  const { ports } = platform.context().platform;
  connections = new Connections({ ...ports, clock: { ...ports.clock, monotonicUs: () => nowUs } }, LIMITS);
  server = createServer((request, response) =>
    connections.inTurn(request, response, () => {
      begun.push({ request, response });
      waitingForRequest?.();
    }),
  );
  connections.watch(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  connections.stop();
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function client(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  clients.push(socket);
  // A connection that the server cuts may be reset.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function requests(count: number): Promise<void> {
  while (begun.length < count) await new Promise<void>((resolve) => (waitingForRequest = resolve));
}

const GET = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';

async function isClosed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

describe('a place', () => {
  it('is given to a new connection by the one that has been idle for longest', async () => {
    const [first, second, third] = [await client(), await client(), await client()];
    third.write(GET);
    first.write(GET);
    await requests(2);
    for (const { response } of begun) response.end('done');
    await Promise.all([once(first, 'data'), once(third, 'data')]);
    const fourth = await client();
    await isClosed(second);
    fourth.write(GET);
    await requests(3);
    expect([first.closed, third.closed]).toEqual([false, false]);
  });

  it('is not kept by half a request, of head or body', async () => {
    const halfHead = await client();
    const halfBody = await client();
    halfHead.write('GET / HTTP/1.1\r\nhost: loc');
    halfBody.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n12345');
    await requests(1);
    await client();
    await client();
    await isClosed(halfHead);
    await client();
    await isClosed(halfBody);
  });

  it('is kept by who is being answered; then a new connection is closed', async () => {
    const all = [await client(), await client(), await client()];
    for (const one of all) one.write(GET);
    await requests(3);
    await isClosed(await client());
    for (const { response } of begun) response.end('done');
    await Promise.all(all.map((one) => once(one, 'data')));
  });
});

describe('requests of one connection', () => {
  it('are begun one at a time and answered in order', async () => {
    const one = await client();
    let received = '';
    one.on('data', (data) => (received += data.toString()));
    one.write(Array.from({ length: 50 }, (_, n) => GET.replace('/', `/${n}`)).join(''));
    for (let n = 0; n < 50; n++) {
      await requests(n + 1);
      expect(begun).toHaveLength(n + 1);
      const { request, response } = begun[n];
      response.end(request.url);
    }
    while (!received.endsWith('/49')) await once(one, 'data');
    expect(received.match(/HTTP\/1.1 200/g)).toHaveLength(50);
  });

  it('are not begun for a client that left', async () => {
    const one = await client();
    one.write(GET + GET);
    await requests(1);
    const gone = once(begun[0].response, 'close');
    one.destroy();
    await gone;
    expect(begun).toHaveLength(1);
  });
});

describe('an answer that nobody reads', () => {
  /** More than any system buffers for a connection, in the slices that answers are sent in. */
  function* endless(): Generator<Uint8Array> {
    for (let n = 0; n < 1_024; n++) yield Buffer.alloc(65_536);
  }

  async function asked(): Promise<{ readonly reader: Socket; readonly response: ServerResponse }> {
    const reader = await client();
    reader.pause();
    reader.write(GET);
    await requests(1);
    return { reader, response: begun[0].response };
  }

  /** Until nothing more fits between server and reader. */
  async function stalled({ socket }: ServerResponse): Promise<void> {
    let sent = -1;
    for (let unmoved = 0; unmoved < 50; unmoved = socket!.bytesWritten === sent ? unmoved + 1 : 0) {
      sent = socket!.bytesWritten;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(socket!.writableLength).toBeGreaterThan(0);
  }

  it('is cut when no byte moved for the time allowed, and not before', async () => {
    const { response } = await asked();
    const cut = once(response, 'close');
    Readable.from(endless()).pipe(response);
    await stalled(response);
    connections.sweep();
    nowUs += LIMITS.writeIdleMs * 1_000 - 1;
    connections.sweep();
    expect(response.destroyed).toBe(false);
    nowUs += 1;
    connections.sweep();
    await cut;
  });

  it('is not cut while its reader reads, however slowly', async () => {
    const { reader, response } = await asked();
    Readable.from(endless()).pipe(response);
    for (let n = 0; n < 5; n++) {
      await stalled(response);
      connections.sweep();
      nowUs += LIMITS.writeIdleMs * 1_000 - 1;
      reader.resume();
      await once(response, 'drain');
      reader.pause();
    }
    connections.sweep();
    expect(response.destroyed).toBe(false);
  });

  it('is not cut while the server has nothing to send', async () => {
    const { response } = await asked();
    connections.sweep();
    nowUs += LIMITS.writeIdleMs * 1_000 * 10;
    connections.sweep();
    response.write('begun');
    await new Promise((resolve) => setImmediate(resolve));
    connections.sweep();
    nowUs += LIMITS.writeIdleMs * 1_000 * 10;
    connections.sweep();
    expect(response.destroyed).toBe(false);
  });
});
