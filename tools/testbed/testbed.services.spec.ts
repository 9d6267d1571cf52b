import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Services } from '@k2/testing/services';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import type { TestbedServiceName } from './service-names.ts';
import type { ServiceStatus } from './status.ts';
import { startTestbed, type Testbed } from './testbed.ts';

// Each test has servers of its own: those that others use must not be killed.
const timeoutMs = 240_000;
let beds: Testbed[];

beforeEach(() => {
  beds = [];
});
afterEach(async () => {
  for (const bed of beds) await bed.stop();
}, timeoutMs);

it(
  'Kafka, killed and started again, has its topics, messages and SCRAM user',
  async () => {
    const bed = await started('kafka');
    const { kafka, kafkaSecure } = bed.endpoints as Services;
    const { username, password, mechanism } = kafkaSecure;
    const plain = new Kafka({ clientId: 'spec', logLevel: logLevel.NOTHING, brokers: [...kafka.brokers] });
    const secure = new Kafka({
      clientId: 'spec',
      logLevel: logLevel.NOTHING,
      brokers: [...kafkaSecure.brokers],
      ssl: { ca: [readFileSync(kafkaSecure.caFile, 'utf8')] },
      sasl: { mechanism, username, password },
    });
    const producer = plain.producer();
    await producer.connect();
    const admin = plain.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'trades' }] });
    await producer.send({ topic: 'trades', acks: -1, messages: [{ value: 'one' }, { value: 'two' }] });
    await producer.disconnect();
    await admin.disconnect();

    await bed.service('kafka').kill();
    await bed.service('kafka').start();

    const after = secure.admin();
    await after.connect();
    expect((await after.fetchTopicOffsets('trades')).map(({ partition, high }) => [partition, high])).toEqual([
      [0, '2'],
    ]);
    await after.disconnect();

    const wrong = new Kafka({
      clientId: 'spec',
      logLevel: logLevel.NOTHING,
      brokers: [...kafkaSecure.brokers],
      ssl: { ca: [readFileSync(kafkaSecure.caFile, 'utf8')] },
      sasl: { mechanism, username, password: 'wrong' },
      retry: { retries: 0 },
    }).admin();
    await expect(wrong.connect()).rejects.toThrow('authentication failed');
    await wrong.disconnect();
  },
  timeoutMs,
);

it(
  'PostgreSQL, killed with its children while a transaction is open, has what was committed',
  async () => {
    const bed = await started('postgres');
    const { url } = (bed.endpoints as Services).postgres;
    const client = new pg.Client(url);
    client.on('error', () => {});
    await client.connect();
    await client.query('CREATE TABLE trades (price int)');
    await client.query('INSERT INTO trades VALUES (1)');
    await client.query('BEGIN');
    await client.query('INSERT INTO trades VALUES (2)');

    await bed.service('postgres').kill();
    await bed.service('postgres').start();

    const after = new pg.Client(url);
    await after.connect();
    expect((await after.query('SELECT price FROM trades')).rows).toEqual([{ price: 1 }]);
    await after.end();
  },
  timeoutMs,
);

it.each([
  ['minio' as const, 's3' as const],
  ['versitygw' as const, 's3Second' as const],
])(
  '%s, killed and started again, has its bucket and its objects',
  async (name, endpointName) => {
    const bed = await started(name);
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = (bed.endpoints as Services)[endpointName];
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/b.parquet', Body: 'columns' }));

    await bed.service(name).kill();
    await bed.service(name).start();

    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/b.parquet' }));
    expect(await Body?.transformToString()).toBe('columns');
    client.destroy();
  },
  timeoutMs,
);

it(
  'Redis, killed at once after a write it acknowledged, has it',
  async () => {
    const bed = await started('redis');
    const { redis } = bed.endpoints as Services;
    expect(await ask(redis.url, 'SET seen 1\r\n')).toBe('+OK\r\n');
    await bed.service('redis').kill();
    await bed.service('redis').start();
    expect(await ask(redis.url, 'GET seen\r\n')).toBe('$1\r\n1\r\n');
  },
  timeoutMs,
);

it(
  'the schema registry, killed and started again, has its schemas',
  async () => {
    const bed = await started('schema-registry');
    const { url } = (bed.endpoints as Services).schemaRegistry;
    const headers = { 'Content-Type': 'application/vnd.schemaregistry.v1+json' };
    const body = JSON.stringify({ schema: '"string"' });
    const registered = await fetch(`${url}/subjects/trades-value/versions`, { method: 'POST', headers, body });
    expect(registered.status).toBe(200);
    const { id } = (await registered.json()) as { id: number };

    await bed.service('schema-registry').kill();
    await bed.service('schema-registry').start();

    const found = await fetch(`${url}/subjects/trades-value/versions/latest`);
    expect(await found.json()).toMatchObject({ id, subject: 'trades-value', version: 1, schema: '"string"' });
  },
  timeoutMs,
);

it(
  'a paused server keeps its connections, and answers when it goes on',
  async () => {
    const bed = await started('redis');
    const { hostname, port } = new URL((bed.endpoints as Services).redis.url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    await bed.service('redis').pause();
    socket.write('PING\r\n');
    const answered = once(socket, 'data');
    await bed.service('redis').resume();
    expect(String(await answered)).toBe('+PONG\r\n');
    socket.destroy();
  },
  timeoutMs,
);

it(
  'settings of the server itself take the place of ours',
  async () => {
    const bed = await startTestbed(['postgres'], { settings: { postgres: { fsync: 'off' } } });
    beds.push(bed);
    const client = new pg.Client((bed.endpoints as Services).postgres.url);
    await client.connect();
    expect((await client.query('SHOW fsync')).rows).toEqual([{ fsync: 'off' }]);
    await client.end();
  },
  timeoutMs,
);

it(
  '"services up" starts what is missing, outlives its terminal, and "down" takes away what it started',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'k2-testbed-up-'));
    const services = (...args: string[]) => runServices(directory, args);
    try {
      const first = await services('up', 'redis');
      expect(first).toMatch(/^service +version +state +endpoint/);
      const [redis] = await status(services);
      expect(redis).toMatchObject({ service: 'redis', state: 'answers' });

      await services('up', 'redis', 'postgres');
      const [postgres, sameRedis] = await status(services);
      expect(postgres).toMatchObject({ service: 'postgres', state: 'answers' });
      expect(sameRedis.pid).toBe(redis.pid);
      expect(JSON.parse(readFileSync(join(directory, 'services.json'), 'utf8'))).toEqual({
        ...postgres.endpoints,
        ...redis.endpoints,
      });

      process.kill(redis.pid as number, 'SIGKILL');
      await expect(services('status')).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/redis.*stopped/),
      });
      await services('up', 'redis');
      expect((await status(services)).map(({ state }) => state)).toEqual(['answers', 'answers']);
    } finally {
      await services('down');
      expect(await status(services)).toEqual([]);
      rmSync(directory, { recursive: true });
    }
  },
  timeoutMs,
);

async function started(name: TestbedServiceName): Promise<Testbed> {
  const bed = await startTestbed([name]);
  beds.push(bed);
  return bed;
}

async function ask(url: string, question: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(question);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}

async function runServices(directory: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=k2-source', join(import.meta.dirname, 'main.ts'), ...args],
    { env: { ...process.env, NODE_OPTIONS: '', K2_TESTBED_DIR: directory } },
  );
  return stdout;
}

async function status(services: (...args: string[]) => Promise<string>): Promise<ServiceStatus[]> {
  return JSON.parse(await services('status', '--json')) as ServiceStatus[];
}
