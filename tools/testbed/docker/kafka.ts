import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { programIn } from '../process/find-program.ts';
import { runTool } from '../process/run-tool.ts';
import type { Site } from '../provider.ts';
import { oneBrokerProperties } from '../servers/kafka-properties.ts';
import { caFile, scramUser } from '../servers/kafka.ts';
import { versions } from '../versions.ts';
import type { DockerRecipe } from './recipe.ts';

const inside = { plain: 9092, controller: 9093, secure: 9094 };

/** One broker, which is its own controller (KRaft), with a plain listener and one with TLS and SCRAM. */
export const kafka: DockerRecipe = {
  image: `apache/kafka:${versions.kafka}`,
  version: versions.kafka,
  async layOut(site) {
    const { username, password } = scramUser;
    return {
      ports: { plain: inside.plain, secure: inside.secure },
      env: {
        K2_PROPERTIES: serverProperties(site),
        K2_KEY_STORE: await makeCertificate(site),
        K2_CLUSTER_ID: randomBytes(16).toString('base64url').replace(/^-/, 'k'),
        K2_SCRAM_USER: `SCRAM-SHA-512=[name=${username},password=${password}]`,
        KAFKA_HEAP_OPTS: '-Xms256m -Xmx512m',
      },
      // The image's own start knows no SCRAM users.
      entrypoint: ['bash', '-c', start],
      command: [],
    };
  },
};

const start = `set -e
umask 077
printenv K2_PROPERTIES > /tmp/server.properties
printenv K2_KEY_STORE > /tmp/broker.pem
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --standalone -t "$K2_CLUSTER_ID" \\
  -c /tmp/server.properties --add-scram "$K2_SCRAM_USER"
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties`;

/** A certificate for 127.0.0.1 and localhost that signs itself, with its key, as PEM. */
async function makeCertificate(site: Site): Promise<string> {
  const openssl = programIn('openssl');
  if (openssl === undefined) throw new Error('Kafka’s certificate is made with openssl: install it');
  const key = join(site.directory, 'broker.key');
  await runTool("Kafka's certificate", openssl, [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', key, '-out', caFile(site)],
  ]);
  const pem = (await readFile(key, 'utf8')) + (await readFile(caFile(site), 'utf8'));
  await rm(key);
  return pem;
}

function serverProperties(site: Site): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `localhost:${inside.controller}`,
    listeners: `PLAINTEXT://:${inside.plain},SECURE://:${inside.secure},CONTROLLER://:${inside.controller}`,
    // What clients are told to connect to: where Docker publishes it.
    'advertised.listeners': [
      `PLAINTEXT://127.0.0.1:${site.ports['plain']}`,
      `SECURE://127.0.0.1:${site.ports['secure']}`,
      `CONTROLLER://localhost:${inside.controller}`,
    ].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': '/tmp/broker.pem',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.secure.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'log.dirs': '/var/lib/kafka/data',
    ...oneBrokerProperties,
    ...site.settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
