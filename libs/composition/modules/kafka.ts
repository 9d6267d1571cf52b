import { KafkaTickLog, type KafkaTickLogOptions } from '@k2/adapter-kafka';
import { recordSchemaOf, type TopicRules } from '@k2/domain/wire';
import type { AdapterContext, SchemaRegistry, TickLog } from '@k2/ports';
import { ensureSchemas } from '@k2/usecases';
import type { Settings } from '../settings.ts';
import { misconfigured, readPem } from './misconfigured.ts';
import type { ModuleInput } from './module-input.ts';
import { openSchemaRegistry } from './schema-registry.ts';

/** Throws `incompatible` where what this program writes could not be read together with what is in the log. */
export async function openKafka({ settings, rules, context, opened, observed }: ModuleInput): Promise<TickLog> {
  const registry = observed('schema registry', opened('schema registry', await openSchemaRegistry(settings, context)));
  const log = await openLog(settings, rules, context, registry);
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

async function openLog(
  settings: Settings,
  rules: TopicRules,
  { clock, scheduler, telemetry }: AdapterContext,
  registry: SchemaRegistry,
): Promise<TickLog> {
  const { kafkaReplication: replicationFactor, kafkaSessionTimeoutMs: sessionTimeoutMs } = settings;
  return KafkaTickLog.open({
    brokers: settings.kafkaBrokers,
    ...(await security(settings)),
    registry,
    rules,
    clock,
    scheduler,
    telemetry,
    tuning: { replicationFactor, sessionTimeoutMs },
  });
}

async function security(settings: Settings): Promise<Pick<KafkaTickLogOptions, 'tls' | 'sasl'>> {
  const { kafkaTls, kafkaCaFile, kafkaSasl: mechanism, kafkaUsername: username, kafkaPassword: password } = settings;
  if (mechanism !== 'none' && (username === '' || password === ''))
    throw misconfigured(`K2_KAFKA_SASL is ${mechanism}: K2_KAFKA_USERNAME and K2_KAFKA_PASSWORD are needed with it`);
  if (!kafkaTls && kafkaCaFile !== '')
    throw misconfigured('K2_KAFKA_CA_FILE is set, but K2_KAFKA_TLS is false: set it to true, or leave the file away');
  const ca = await readPem('K2_KAFKA_CA_FILE', kafkaCaFile);
  return {
    ...(kafkaTls && { tls: ca === null ? {} : { ca } }),
    ...(mechanism !== 'none' && { sasl: { mechanism, username, password } }),
  };
}
