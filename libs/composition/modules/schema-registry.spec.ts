import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { DEFAULT_TOPIC_RULES } from '@k2/domain/wire';
import type { AdapterContext } from '@k2/ports';
import { readSettings } from '../settings.ts';
import { openKafka } from './kafka.ts';
import type { ModuleInput } from './module-input.ts';
import { openSchemaRegistry } from './schema-registry.ts';

const clock = new SystemClock();
const telemetry = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ record: () => undefined }),
  gauge: () => undefined,
  log: () => undefined,
};
const context = { clock, random: new SystemRandom(clock), scheduler: new SystemScheduler(), telemetry };
const settingsOf = (env: Record<string, string>) => readSettings({ role: 'sink' }, env);

describe('the schema registry', () => {
  let server: Server | null = null;
  afterEach(() => void server?.close());

  it.each([
    ['user and password', { K2_SCHEMA_REGISTRY_USERNAME: 'k2', K2_SCHEMA_REGISTRY_PASSWORD: 's' }, 'Basic azI6cw=='],
    ['nothing', {}, undefined],
  ])('is asked with %s of the settings', async (_, env, expected) => {
    const authorizations: (string | undefined)[] = [];
    server = createServer(({ headers }, response) => {
      authorizations.push(headers.authorization);
      response.end('[]');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = { K2_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` };
    const registry = await openSchemaRegistry(settingsOf({ ...url, ...env }), context);
    await registry.subjects();
    await registry.close();
    expect(authorizations).toEqual([expected]);
  });

  it.each([
    [{ K2_SCHEMA_REGISTRY_USERNAME: 'k2' }, 'K2_SCHEMA_REGISTRY_USERNAME and K2_SCHEMA_REGISTRY_PASSWORD'],
    [{ K2_SCHEMA_REGISTRY_TOKEN: 't' }, 'K2_SCHEMA_REGISTRY_URL has to be https'],
    [{ K2_SCHEMA_REGISTRY_CA_FILE: '/ca.pem' }, 'K2_SCHEMA_REGISTRY_URL is not https'],
    [
      { K2_SCHEMA_REGISTRY_URL: 'https://r:8081', K2_SCHEMA_REGISTRY_CA_FILE: '/nowhere.pem' },
      'K2_SCHEMA_REGISTRY_CA_FILE /nowhere.pem cannot be read',
    ],
  ])('is not opened by %j', async (env, message) => {
    const opening = openSchemaRegistry(settingsOf(env as Record<string, string>), context);
    await expect(opening).rejects.toMatchObject({ kind: 'misconfigured', message: expect.stringContaining(message) });
  });

  it('is to be closed whether Kafka opens beside it or not', async () => {
    const opened: string[] = [];
    const input = {
      settings: settingsOf({ K2_KAFKA_CA_FILE: '/ca.pem' }),
      rules: DEFAULT_TOPIC_RULES,
      context: context as unknown as AdapterContext,
      opened: <Port>(name: string, port: Port) => {
        opened.push(name);
        return port;
      },
      observed: <Port>(_: string, port: Port) => port,
    } as ModuleInput;
    await expect(openKafka(input)).rejects.toThrow('K2_KAFKA_TLS is false');
    expect(opened).toEqual(['schema registry']);
  });
});
