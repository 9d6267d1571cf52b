import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the ranges from which systems take the ports of outgoing connections (Linux 32768, others 49152): a client that
// keeps knocking at the port of a killed server could otherwise be given that very port, and connect to itself.
const firstPort = 15_000;
const lastPort = 29_999;
const triesMax = 200;

/** Different ports on which nothing of 127.0.0.1 listens now, and none of those that are taken for another reason. */
export async function freePorts(count: number, taken: readonly number[] = []): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === triesMax) throw new Error(`no ${count} free ports from ${firstPort} to ${lastPort} on 127.0.0.1`);
    const port = randomInt(firstPort, lastPort + 1);
    if (!found.has(port) && !taken.includes(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
