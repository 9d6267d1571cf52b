import type { TopicRules } from '@k2/domain/wire';
import type { Clock, Scheduler, SchemaRegistry, Telemetry } from '@k2/ports';
import type { KafkaConnectionOptions } from './connection/connection-options.ts';

export interface KafkaTickLogOptions extends Pick<KafkaConnectionOptions, 'brokers' | 'tls' | 'sasl'> {
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Framing, compression, partitioner and retention by topic; the same for every process that shares the topics. */
  readonly rules: TopicRules;
  /** In front of the names of topics and groups in Kafka, so that tenants, or tests, share brokers. */
  readonly topicPrefix?: string;
  readonly tuning?: Partial<KafkaTuning>;
}

export interface KafkaTuning {
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  /** A broker that does not answer for so long is one that is gone. */
  readonly requestTimeoutMs: number;
  /** How long brokers may be away before a call rejects with `unavailable`. A read waits for them, however short its wait. */
  readonly patienceMs: number;

  /** Copies of a topic that is declared here for the first time. */
  readonly replicationFactor: number;
  /** Of those, how many have to have an append before it is acknowledged. Null: the broker's default. */
  readonly minInsyncReplicas: number | null;

  /** Encoded appends that were not acknowledged; at the bound `append` waits. */
  readonly queuedBytesMax: number;
  /** Of a record batch before compression; a block of more is cut in two. Below the topics' max.message.bytes. */
  readonly batchBytesMax: number;
  /** How long an append waits for others to share its batch. */
  readonly lingerMs: number;
  /** An append that is not acknowledged after so long rejects with `unavailable`. */
  readonly deliveryTimeoutMs: number;
  /** How long a broker may wait for its replicas. */
  readonly replicationWaitMs: number;

  /** Memory of records that were read ahead for one reader; at the bound nothing more is fetched for it. */
  readonly readAheadBytesMax: number;
  /** How long a fetch waits at the broker for a record. */
  readonly fetchWaitMs: number;
  /** Record batches in one answer, … */
  readonly fetchBytesMax: number;
  /** … and of one partition. */
  readonly partitionBytesMax: number;

  /** A member of a group that is not heard of for so long loses its partitions. */
  readonly sessionTimeoutMs: number;
  /** How long a member may take to join again, and its listener to give partitions up. */
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How often a group looks for new topics and partitions. */
  readonly topicRefreshMs: number;
}

export const KAFKA_TUNING: KafkaTuning = {
  clientId: 'k2',
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  patienceMs: 10_000,
  replicationFactor: 1,
  minInsyncReplicas: null,
  queuedBytesMax: 32 * 2 ** 20,
  batchBytesMax: 900 * 2 ** 10,
  lingerMs: 0,
  deliveryTimeoutMs: 30_000,
  replicationWaitMs: 10_000,
  readAheadBytesMax: 64 * 2 ** 20,
  fetchWaitMs: 250,
  fetchBytesMax: 4 * 2 ** 20,
  partitionBytesMax: 2 ** 20,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  heartbeatIntervalMs: 500,
  topicRefreshMs: 2_000,
};
