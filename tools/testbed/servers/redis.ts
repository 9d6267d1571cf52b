import { once } from 'node:events';
import { connect } from 'node:net';
import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';

export const redisServer: Server = {
  listeners: ['redis'],
  startTimeoutMs: 60_000,
  endpoints: (site) => ({ redis: { url: `redis://127.0.0.1:${site.ports['redis']}` } }),
  /** While it still loads its data it answers "-LOADING". */
  async ask(site) {
    const reply = await ping(site);
    if (reply !== '+PONG\r\n') throw new Error(`PING was answered with ${JSON.stringify(reply)}`);
  },
};

async function ping(site: Site): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: site.ports['redis'] });
  try {
    const signal = AbortSignal.timeout(askTimeoutMs);
    socket.write('PING\r\n');
    // Docker takes connections for a server that does not listen yet, and closes them.
    const closed = once(socket, 'close', { signal }).then(() => {
      throw new Error('the connection was closed without an answer');
    });
    const [reply] = (await Promise.race([once(socket, 'data', { signal }), closed])) as [Buffer];
    return reply.toString();
  } finally {
    // Nobody waits for what a broken connection still has to say.
    socket.on('error', () => {}).destroy();
  }
}
