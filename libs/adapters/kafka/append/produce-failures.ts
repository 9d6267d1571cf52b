import { PortError } from '@k2/ports';
import { isPassingError, KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import type { ProducedPartition } from '../protocol/produce-requests.ts';
import type { PartitionQueue, SentBatch } from './partition-queue.ts';

/** As seen by a broker that may not have heard of it yet. */
export const MISSING_TOPIC = new Set<number>([
  KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA_ERRORS.UNKNOWN_TOPIC_ID,
  KAFKA_ERRORS.INCONSISTENT_TOPIC_ID,
]);

/** The broker has lost track of the producer, or refuses it: a new one begins anew. */
const LOST_TRACK = new Set<number>([
  KAFKA_ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER,
  KAFKA_ERRORS.DUPLICATE_SEQUENCE_NUMBER,
  KAFKA_ERRORS.INVALID_PRODUCER_EPOCH,
  KAFKA_ERRORS.INVALID_PRODUCER_ID_MAPPING,
  KAFKA_ERRORS.UNKNOWN_PRODUCER_ID,
  KAFKA_ERRORS.PRODUCER_FENCED,
]);

export function produceFailure(
  { topicPartition }: PartitionQueue,
  { errorCode, message }: ProducedPartition,
): PortError {
  const { topic, partition } = topicPartition;
  const isPassing = isPassingError(errorCode) || MISSING_TOPIC.has(errorCode) || LOST_TRACK.has(errorCode);
  const hint = errorCode === KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED ? ': grant Write on the topic' : '';
  return new PortError(
    'unavailable',
    `${topic}/${partition} refused an append with ${kafkaErrorName(errorCode)}${message === null ? '' : ` (${message})`}${hint}`,
    { topic, partition, errorCode },
    { retryable: isPassing },
  );
}

export function tooLarge({ topicPartition: { topic } }: PartitionQueue, { bytes }: SentBatch): PortError {
  const message = `one row makes a record batch of ${bytes.length} bytes, more than topic ${topic} takes: raise its max.message.bytes`;
  return new PortError('unavailable', message, { topic, batchBytes: bytes.length });
}
