import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '../progress.ts';
import { cached } from './cached.ts';

let cache: string;
let server: Server;
let answer: RequestListener;
let requests: number;

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'k2-cache-'));
  process.env['K2_TESTBED_CACHE'] = cache;
  requests = 0;
  answer = (_request, response) => response.end('the whole file');
  server = createServer((request, response) => {
    requests++;
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  delete process.env['K2_TESTBED_CACHE'];
  server.closeAllConnections();
  server.close();
  rmSync(cache, { recursive: true });
});

it('downloads once, and finds it there the next time', async () => {
  const directory = await cached('thing-1', download, noProgress);
  expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('the whole file');
  expect(await cached('thing-1', download, noProgress)).toBe(directory);
  expect(requests).toBe(1);
});

it('leaves nothing of a download that breaks off, and gets it the next time', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('half', () => response.destroy());
  };
  await expect(cached('thing-1', download, noProgress)).rejects.toThrow();
  expect(readdirSync(cache)).toEqual([]);
  answer = (_request, response) => response.end('all of it');
  const directory = await cached('thing-1', download, noProgress);
  expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('all of it');
});

it('is not there before it is whole', async () => {
  const seen: boolean[] = [];
  answer = (_request, response) => {
    seen.push(existsSync(join(cache, 'thing-1')));
    response.end('the whole file');
  };
  await cached('thing-1', download, noProgress);
  expect(seen).toEqual([false]);
});

it('downloads once for several that want it at the same time', async () => {
  const directories = await Promise.all([1, 2, 3].map(() => cached('thing-1', download, noProgress)));
  expect(new Set(directories).size).toBe(1);
  expect(requests).toBe(1);
});

it('sweeps up after a process that was killed while it downloaded', async () => {
  mkdirSync(join(cache, '.thing-1.0123.partial'));
  writeFileSync(join(cache, '.thing-1.0123.partial', 'file'), 'half');
  const lock = join(cache, '.thing-1.lock');
  writeFileSync(lock, '4711\n');
  utimesSync(lock, new Date(0), new Date(0));
  await cached('thing-1', download, noProgress);
  expect(readdirSync(cache)).toEqual(['thing-1']);
});

async function download(directory: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await writeFile(join(directory, 'file'), Buffer.from(await response.arrayBuffer()));
}
