import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePorts } from './ports.ts';

it('gives different ports that can be listened on, and none that a stopped service has', async () => {
  const taken = await freePorts(3);
  const ports = await freePorts(20, taken);
  expect(new Set([...ports, ...taken]).size).toBe(23);
  const servers = await Promise.all(
    ports.map(async (port) => {
      const server = createServer().listen(port, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  for (const server of servers) server.close();
});

it('stays below the ports that systems give to outgoing connections', async () => {
  expect(Math.max(...(await freePorts(50)))).toBeLessThan(32_768);
});
