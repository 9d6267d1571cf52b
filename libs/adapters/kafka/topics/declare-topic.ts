import type { TopicSettings, TopicSpec } from '@k2/domain/wire';
import { PortError, type TopicDescription } from '@k2/ports';
import { assertDeclarable } from '@k2/ports/in-process';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { isPassingError, KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { createPartitionsRequest, createTopicRequest, type TopicAnswer } from '../protocol/topic-requests.ts';
import type { TopicNames } from './topic-names.ts';
import type { TopicTable } from './topic-table.ts';

export interface TopicReplication {
  readonly replicationFactor: number;
  /** Null: the broker's default. */
  readonly minInsyncReplicas: number | null;
}

/**
 * One step towards the topic as it is specified: rejects with a retryable error as long as there is a further one. Settings
 * are those of its creation; a topic that exists keeps what an operator gave it.
 */
export async function declareTopic(
  cluster: KafkaCluster,
  table: TopicTable,
  names: TopicNames,
  spec: TopicSpec,
  settings: TopicSettings,
  replication: TopicReplication,
): Promise<TopicDescription> {
  const existing = await table.look(spec.name);
  const kafkaTopic = names.inKafka(spec.name);
  if (existing === null) {
    const { replicationFactor } = replication;
    const topic = { name: kafkaTopic, partitions: spec.partitions, replicationFactor };
    const request = createTopicRequest({ ...topic, settings: settingsOf(settings, replication) });
    assertDone(spec, 'create', await cluster.send(null, request), KAFKA_ERRORS.TOPIC_ALREADY_EXISTS);
    throw passing(`topic ${spec.name} was created, and is not known to every broker yet`, { topic: spec.name });
  }
  assertDeclarable(spec, existing);
  if (existing.partitions < spec.partitions) {
    const answer = await cluster.send(null, createPartitionsRequest(kafkaTopic, spec.partitions));
    assertDone(spec, 'add partitions to', answer, KAFKA_ERRORS.INVALID_PARTITIONS);
    throw passing(`topic ${spec.name} got partitions, and they are not known to every broker yet`, {
      topic: spec.name,
    });
  }
  const [{ leaders }] = await table.refreshed([spec.name]);
  if (leaders.some((leader) => leader < 0)) throw passing(`topic ${spec.name} has partitions without a leader`);
  return existing;
}

/** Everyone reads and writes it as its record batches are; appends are stamped by the broker. */
function settingsOf(settings: TopicSettings, { minInsyncReplicas }: TopicReplication): Record<string, string> {
  const { retentionMs, retentionBytes } = settings;
  return {
    'cleanup.policy': 'delete',
    'compression.type': 'producer',
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': String(retentionBytes ?? -1),
    ...(minInsyncReplicas !== null && { 'min.insync.replicas': String(minInsyncReplicas) }),
  };
}

/** Someone else may have done it in the meantime. */
function assertDone({ name }: TopicSpec, deed: string, { errorCode, message }: TopicAnswer, already: number): void {
  if (errorCode === KAFKA_ERRORS.NONE || errorCode === already) return;
  const text = `Kafka did not ${deed} topic ${name}: ${message ?? kafkaErrorName(errorCode)}`;
  throw new PortError('unavailable', text, { topic: name, errorCode }, { retryable: isPassingError(errorCode) });
}
