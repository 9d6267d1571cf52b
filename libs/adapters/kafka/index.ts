export type { KafkaConnectionOptions, SaslMechanism } from './connection/connection-options.ts';
export { KAFKA_TUNING, type KafkaTickLogOptions, type KafkaTuning } from './kafka-options.ts';
export { KafkaTickLog } from './kafka-tick-log.ts';
