import type { KafkaReader } from './kafka-reader.ts';
import type { KafkaWriter } from './kafka-writer.ts';

/** A request of Kafka's protocol in one version, and how its answer is read. */
export interface KafkaRequest<Answer> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  /** Flexible versions have tagged fields behind the headers of request and response. */
  readonly isFlexible: boolean;
  /** How long the broker may take of its own accord, before the time-out of every request begins. */
  readonly brokerWaitMs?: number;
  /** About what it takes, where that is much. */
  readonly sizeBytes?: number;
  write(out: KafkaWriter): void;
  read(input: KafkaReader): Answer;
}

/** The codes that K2 tells apart (kafka.apache.org/protocol, "Error Codes"). */
export const KAFKA_ERRORS = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  NOT_CONTROLLER: 41,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_PRODUCER_ID_MAPPING: 49,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 83,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

const NAMES = new Map<number, string>(Object.entries(KAFKA_ERRORS).map(([name, code]) => [code, name]));

export function kafkaErrorName(code: number): string {
  return NAMES.get(code) ?? `error code ${code}`;
}

const PASSING = new Set<number>([
  KAFKA_ERRORS.LEADER_NOT_AVAILABLE,
  KAFKA_ERRORS.NOT_LEADER_OR_FOLLOWER,
  KAFKA_ERRORS.REQUEST_TIMED_OUT,
  KAFKA_ERRORS.REPLICA_NOT_AVAILABLE,
  KAFKA_ERRORS.NETWORK_EXCEPTION,
  KAFKA_ERRORS.COORDINATOR_LOAD_IN_PROGRESS,
  KAFKA_ERRORS.COORDINATOR_NOT_AVAILABLE,
  KAFKA_ERRORS.NOT_COORDINATOR,
  KAFKA_ERRORS.NOT_ENOUGH_REPLICAS,
  KAFKA_ERRORS.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  KAFKA_ERRORS.NOT_CONTROLLER,
  KAFKA_ERRORS.KAFKA_STORAGE_ERROR,
  KAFKA_ERRORS.FENCED_LEADER_EPOCH,
  KAFKA_ERRORS.UNKNOWN_LEADER_EPOCH,
  KAFKA_ERRORS.OFFSET_NOT_AVAILABLE,
  KAFKA_ERRORS.ELIGIBLE_LEADERS_NOT_AVAILABLE,
  KAFKA_ERRORS.THROTTLING_QUOTA_EXCEEDED,
]);

/** Whether the same request, maybe to another broker, may succeed by itself. */
export function isPassingError(code: number): boolean {
  return PASSING.has(code);
}
