import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TcpFaultProxy } from './tcp-fault-proxy.ts';

describe('TcpFaultProxy', () => {
  let heard: string[];
  let server: Server;
  let proxy: TcpFaultProxy;
  beforeEach(async () => {
    heard = [];
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        heard.push(bytes.toString());
        socket.write(`you said ${bytes.toString()}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpFaultProxy.listen({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  });
  afterEach(async () => {
    await proxy.close();
    server.close();
  });

  const dial = async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  /** However it ends. */
  const end = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const reply = async (socket: Socket) => String((await once(socket, 'data'))[0]);

  it('passes everything on where nothing is wrong', async () => {
    const socket = await dial();
    socket.write('hello');
    expect(await reply(socket)).toBe('you said hello');
    socket.destroy();
  });

  it('lets a request through and loses its reply', async () => {
    const socket = await dial();
    const answers: string[] = [];
    socket.on('data', (bytes) => answers.push(bytes.toString()));
    const lost = proxy.loseReplies('COMMIT');
    const closed = end(socket);
    socket.write('BEGIN;COM');
    await reply(socket);
    socket.write('MIT');
    await lost;
    await closed;
    expect(heard).toEqual(['BEGIN;COM', 'MIT']);
    expect(answers).toEqual(['you said BEGIN;COM']);
    const again = await dial();
    again.write('COMMIT');
    expect(await reply(again)).toBe('you said COMMIT');
    again.destroy();
  });

  it('holds a half-open connection open and gives back what it held', async () => {
    const socket = await dial();
    proxy.set({ kind: 'half-open' });
    socket.write('hello');
    const second = await dial();
    expect(heard).toEqual([]);
    proxy.set({ kind: 'none' });
    expect(await reply(socket)).toBe('you said hello');
    socket.destroy();
    second.destroy();
  });

  it('resets what is open, and refuses what is new', async () => {
    const socket = await dial();
    socket.write('hello');
    await reply(socket);
    const closed = end(socket);
    expect(proxy.reset()).toBe(1);
    await closed;
    proxy.set({ kind: 'refuse' });
    const refused = connect(proxy.port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });
});
