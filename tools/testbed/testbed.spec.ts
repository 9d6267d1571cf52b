import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processEntry } from './process/process-table.ts';
import type { ServiceRecord } from './provider.ts';
import { pongProvider } from './test-processes/pong-provider.ts';
import { openTestbed, startTestbed, type Testbed } from './testbed.ts';
import { waitUntil } from './wait-until.ts';

let directory: string;
let beds: Testbed[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'k2-testbed-spec-'));
  beds = [];
});

afterEach(async () => {
  for (const bed of beds) await bed.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('brings a killed server back on its port and with its data', async () => {
  const bed = await started();
  const redis = bed.service('redis');
  const { endpoints } = bed;
  await redis.kill();
  expect(await redis.answers()).toBe(false);
  await redis.start();
  expect(await redis.answers()).toBe(true);
  expect(bed.endpoints).toEqual(endpoints);
  expect(readFileSync(join(redis.site.directory, 'starts'), 'utf8')).toBe('started\nstarted\n');
});

it('tells specs where the servers are', async () => {
  const bed = await started();
  const port = bed.service('redis').site.ports['redis'];
  expect(JSON.parse(readFileSync(bed.servicesFile, 'utf8'))).toEqual({ redis: { url: `redis://127.0.0.1:${port}` } });
});

it('is taken over by another process: it starts what is missing, and nothing twice', async () => {
  const bed = await started();
  const first = await bed.service('redis').condition();
  const again = await openTestbed(directory, { provider: pongProvider() });
  await again.start(['redis']);
  expect(again.endpoints).toEqual(bed.endpoints);
  expect((await again.service('redis').condition()).pid).toBe(first.pid);
  await bed.service('redis').kill();
  await again.start(['redis']);
  expect(await bed.service('redis').answers()).toBe(true);
  await again.stop();
});

it('leaves nothing behind', async () => {
  const bed = await started();
  const { pid } = await bed.service('redis').condition();
  await bed.stop();
  expect(processEntry(pid as number)).toBeUndefined();
  expect(existsSync(directory)).toBe(false);
});

it('shows the last words of a server that ends while it starts, and keeps its log', async () => {
  const failed = startTestbed(['redis'], { directory, provider: pongProvider('die') });
  await expect(failed).rejects.toThrow(/^redis ended while it started\. The end of .*redis\.log:\ncannot find my conf/);
  expect(readdirSync(directory)).toEqual(['redis.log']);
});

it('names everything that is missing on this machine at once', async () => {
  const failed = startTestbed(['kafka', 'redis', 'minio'], { directory, provider: pongProvider() });
  await expect(failed).rejects.toThrow(
    'kafka is not on this machine: install it\nminio is not on this machine: install it',
  );
});

it('stops and deletes everything when its owner is killed', async () => {
  const owner = spawn(
    process.execPath,
    ['--conditions=k2-source', join(import.meta.dirname, 'test-processes', 'owner.ts'), directory],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  await once(owner.stdout, 'data');
  const [record] = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as ServiceRecord[];
  const { pid } = (record.state as { identity: { pid: number } }).identity;
  expect(processEntry(pid)).toBeDefined();
  owner.kill('SIGKILL');
  const stillThere = () => new Error('the server or its directory is still there after 20 s');
  await waitUntil(() => processEntry(pid) === undefined && !existsSync(directory), 20_000, stillThere);
}, 60_000);

async function started(): Promise<Testbed> {
  const bed = await startTestbed(['redis'], { directory, provider: pongProvider() });
  beds.push(bed);
  return bed;
}
