import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureKafkaEndpoint } from '@k2/testing/services';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';

/** The one user of the listener with TLS and SCRAM. */
export const scramUser = { username: 'k2', password: 'k2-testbed' };

/** Where a provider puts the certificate that signs the broker's, as PEM. */
export const caFile = (site: Site) => join(site.directory, 'ca.pem');

export const kafkaServer: Server = {
  listeners: ['plain', 'secure', 'controller'],
  startTimeoutMs: 90_000,
  endpoints: (site) => ({ kafka: { brokers: [address(site, 'plain')] }, kafkaSecure: secureEndpoint(site) }),
  async ask(site) {
    const { brokers, mechanism, username, password } = secureEndpoint(site);
    await seesItself({ brokers: [address(site, 'plain')] });
    await seesItself({
      brokers: [...brokers],
      ssl: { ca: [await readFile(caFile(site), 'utf8')] },
      sasl: { mechanism, username, password },
    });
  },
};

function secureEndpoint(site: Site): SecureKafkaEndpoint {
  return { brokers: [address(site, 'secure')], caFile: caFile(site), mechanism: 'scram-sha-512', ...scramUser };
}

function address(site: Site, listener: string): string {
  return `127.0.0.1:${site.ports[listener]}`;
}

/** A broker that is up but has not joined its cluster yet knows no broker. */
async function seesItself(config: KafkaConfig): Promise<void> {
  const admin = new Kafka({
    clientId: 'k2-testbed',
    logLevel: logLevel.NOTHING,
    connectionTimeout: askTimeoutMs,
    requestTimeout: askTimeoutMs,
    retry: { retries: 0 },
    ...config,
  }).admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0) throw new Error('the broker has not joined its cluster yet');
  } finally {
    await admin.disconnect();
  }
}
