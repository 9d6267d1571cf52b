import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../cache/cached.ts';
import { mavenJars } from '../cache/maven.ts';
import type { Site } from '../provider.ts';
import { oneBrokerProperties } from '../servers/kafka-properties.ts';
import { caFile, scramUser } from '../servers/kafka.ts';
import { versions } from '../versions.ts';
import { findJava, type Java } from './java.ts';
import type { ProcessRecipe } from './recipe.ts';
import { runTool } from './run-tool.ts';

/** One broker, which is its own controller (KRaft), with a plain listener and one with TLS and SCRAM. */
export const kafka: ProcessRecipe = {
  async install(progress) {
    const java = await findJava(progress);
    const jars = await cached(
      `kafka-${versions.kafka}`,
      (directory) =>
        mavenJars(
          {
            title: `Kafka ${versions.kafka}`,
            jars: [`org.apache.kafka:kafka_2.13:${versions.kafka}`, `org.slf4j:slf4j-simple:${versions.slf4jSimple}`],
            megabytes: 50,
            java,
          },
          directory,
          progress,
        ),
      progress,
    );
    const classPath = join(jars, '*');
    return {
      version: versions.kafka,
      async layOut(site) {
        const properties = join(site.directory, 'server.properties');
        await mkdir(join(site.directory, 'data'));
        const keyStore = await makeCertificate(java, site);
        await writeFile(properties, serverProperties(site, keyStore));
        await format(java, classPath, properties);
        return {
          file: java.java,
          args: [
            '-Xms256m',
            '-Xmx512m',
            '-XX:+UseG1GC',
            '-Djava.awt.headless=true',
            '-Dorg.slf4j.simpleLogger.showDateTime=true',
            '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
            '-cp',
            classPath,
            'kafka.Kafka',
            properties,
          ],
          directory: site.directory,
        };
      },
    };
  },
};

interface KeyStore {
  readonly file: string;
  readonly password: string;
}

/** A certificate for 127.0.0.1 and localhost that signs itself. */
async function makeCertificate(java: Java, site: Site): Promise<KeyStore> {
  const keytool = join(java.home, 'bin', 'keytool');
  const file = join(site.directory, 'broker.p12');
  const password = randomBytes(12).toString('hex');
  const store = ['-keystore', file, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker'];
  const identity = ['-dname', 'CN=localhost', '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-ext', 'BC=ca:true'];
  await runTool("Kafka's certificate", keytool, [
    ...['-genkeypair', ...store, '-keyalg', 'RSA', '-keysize', '2048', '-validity', '3650', ...identity],
  ]);
  await runTool("Kafka's certificate", keytool, ['-exportcert', ...store, '-rfc', '-file', caFile(site)]);
  return { file, password };
}

/** Gives the empty data directory its cluster id, and the SCRAM user. */
async function format(java: Java, classPath: string, properties: string): Promise<void> {
  // Kafka's own form of a random id; its tools take one that begins with "-" for an option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'k');
  const { username, password } = scramUser;
  await runTool("Kafka's storage", java.java, [
    ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.tools.StorageTool'],
    ...['format', '--standalone', '-t', clusterId, '-c', properties],
    ...['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`],
  ]);
}

function serverProperties(site: Site, keyStore: KeyStore): string {
  const { plain, secure, controller } = site.ports;
  const listeners = [
    `PLAINTEXT://127.0.0.1:${plain}`,
    `SECURE://127.0.0.1:${secure}`,
    `CONTROLLER://127.0.0.1:${controller}`,
  ].join(',');
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
    listeners,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL',
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keyStore.file,
    'ssl.keystore.password': keyStore.password,
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.secure.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'log.dirs': join(site.directory, 'data'),
    ...oneBrokerProperties,
    ...site.settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
