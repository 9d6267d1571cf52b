import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { KafkaTickLog, type KafkaTickLogOptions } from '@k2/adapter-kafka';
import { recordSchemaOf, type TopicRules } from '@k2/domain/wire';
import { PortError, type AdapterContext, type TickLog } from '@k2/ports';
import { ensureSchemas } from '@k2/usecases';
import type { Settings } from '../settings.ts';
import { openSchemaRegistry } from './schema-registry.ts';

/** Throws `incompatible` where what this program writes could not be read together with what is in the log. */
export async function openKafka(settings: Settings, rules: TopicRules, context: AdapterContext): Promise<TickLog> {
  const { clock, scheduler, telemetry } = context;
  const registry = openSchemaRegistry(settings, context);
  const { kafkaReplication: replicationFactor, kafkaSessionTimeoutMs: sessionTimeoutMs } = settings;
  const log = await KafkaTickLog.open({
    brokers: settings.kafkaBrokers,
    ...(await security(settings)),
    registry,
    rules,
    clock,
    scheduler,
    telemetry,
    tuning: { replicationFactor, sessionTimeoutMs },
  });
  if (!settings.role.includes('ingest')) return log;
  try {
    const topics = await log.topics();
    await ensureSchemas(
      registry,
      topics.map(({ name, framing }) => ({ subject: `${name}-value`, schema: recordSchemaOf(name, framing) })),
    );
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function security(settings: Settings): Promise<Pick<KafkaTickLogOptions, 'tls' | 'sasl'>> {
  const { kafkaTls, kafkaCaFile, kafkaSasl: mechanism, kafkaUsername: username, kafkaPassword: password } = settings;
  if (mechanism !== 'none' && (username === '' || password === ''))
    throw misconfigured(`K2_KAFKA_SASL is ${mechanism}: K2_KAFKA_USERNAME and K2_KAFKA_PASSWORD are needed with it`);
  if (!kafkaTls && kafkaCaFile !== '')
    throw misconfigured('K2_KAFKA_CA_FILE is set, but K2_KAFKA_TLS is false: set it to true, or leave the file away');
  const ca = kafkaCaFile === '' ? null : await readFile(resolve(kafkaCaFile), 'utf8').catch(unreadable(kafkaCaFile));
  return {
    ...(kafkaTls && { tls: ca === null ? {} : { ca } }),
    ...(mechanism !== 'none' && { sasl: { mechanism, username, password } }),
  };
}

function unreadable(path: string) {
  return (cause: Error): never => {
    throw misconfigured(`K2_KAFKA_CA_FILE ${resolve(path)} cannot be read: ${cause.message}`);
  };
}

function misconfigured(message: string): PortError {
  return new PortError('misconfigured', message);
}
