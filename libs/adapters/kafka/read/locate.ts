import { PortError } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { listOffsetsRequest, metadataRequest, type TopicMetadata } from '../protocol/topic-requests.ts';
import type { LanePosition } from './reader-protocol.ts';

/**
 * Partitions by the broker that leads them. Rejects with `unknown-topic` if one is gone, `topic-recreated` if it
 * has another id than its position says, retryable `unavailable` if a leader is being chosen.
 */
export async function locate<Partition extends { readonly position: LanePosition }>(
  cluster: KafkaCluster,
  partitions: readonly Partition[],
): Promise<Map<number, Partition[]>> {
  const names = [...new Set(partitions.map(({ position }) => position.kafkaTopic))];
  const topics = new Map((await cluster.send(null, metadataRequest(names))).map((topic) => [topic.name, topic]));
  return Map.groupBy(partitions, ({ position }) => leaderOf(position, topics.get(position.kafkaTopic)));
}

function leaderOf({ topic, topicId, partition }: LanePosition, found: TopicMetadata | undefined): number {
  if (found === undefined || found.errorCode === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION) {
    throw new PortError('unknown-topic', `topic ${topic} is not in Kafka any more`, { topic });
  }
  if (found.errorCode !== KAFKA_ERRORS.NONE) throw passing(`${topic}: ${kafkaErrorName(found.errorCode)}`, { topic });
  if (found.topicId !== topicId) throw recreated(topic, topicId, found.topicId);
  const leader = found.partitions.find((of) => of.partition === partition)?.leader ?? -1;
  if (leader < 0) throw passing(`${topic}/${partition} has no leader`, { topic, partition });
  return leader;
}

export function recreated(topic: string, knownTopicId: string, topicId: string): PortError {
  const message = `topic ${topic} was deleted and created again: it has id ${topicId}, its offsets were of ${knownTopicId}; decide what becomes of its records, then start again`;
  return new PortError('topic-recreated', message, { topic, topicId, knownTopicId });
}

/** What it means that a broker has no record at the offset, nor will have one next. */
export async function offsetsOutOfRange(
  cluster: KafkaCluster,
  { topic, kafkaTopic, topicId, partition }: LanePosition,
  nextOffset: number,
): Promise<PortError> {
  const [topicNow] = await cluster.send(null, metadataRequest([kafkaTopic]));
  if (topicNow?.errorCode !== KAFKA_ERRORS.NONE) return passing(`${topic} cannot be looked up`, { topic });
  if (topicNow.topicId !== topicId) return recreated(topic, topicId, topicNow.topicId);
  const leader = topicNow.partitions.find((of) => of.partition === partition)?.leader ?? -1;
  if (leader < 0) return passing(`${topic}/${partition} has no leader`, { topic, partition });
  const asked = [{ topic: kafkaTopic, partitions: [partition] }];
  const [start] = await cluster.send(leader, listOffsetsRequest('start', asked));
  const [end] = await cluster.send(leader, listOffsetsRequest('end', asked));
  if (start.errorCode !== KAFKA_ERRORS.NONE || end.errorCode !== KAFKA_ERRORS.NONE) {
    return passing(`${topic}/${partition}: ${kafkaErrorName(start.errorCode || end.errorCode)}`, { topic, partition });
  }
  const context = { topic, partition, nextOffset, startOffset: start.offset, endOffset: end.offset };
  if (nextOffset < start.offset) {
    const message = `${topic}/${partition}: offset ${nextOffset} was trimmed; the first one left is ${start.offset}`;
    return new PortError('offset-trimmed', message, context);
  }
  if (nextOffset <= end.offset) return passing(`${topic}/${partition}: ${nextOffset} was out of range for a moment`);
  const message = `${topic}/${partition} ends at offset ${end.offset}, but was read up to ${nextOffset}: it is not the log that it was; restore it, or decide what becomes of its records and start again`;
  return new PortError('topic-recreated', message, context);
}
