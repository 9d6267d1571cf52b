import type { KafkaRequest } from './kafka-request.ts';

export interface ProducePartition {
  readonly topicName: string;
  readonly topicId: string;
  readonly partition: number;
  /** One record batch. */
  readonly batch: Uint8Array;
}

export interface ProducedPartition {
  /** Name or id, whichever the request went by. */
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly message: string | null;
  readonly baseOffset: number;
}

/** The first version of Produce that names topics by id, so that a batch never lands in another topic of that name. */
export const PRODUCE_BY_ID_VERSION = 13;
const PRODUCE_BY_NAME_VERSION = 9;

/** Acknowledged by all replicas in sync. `isById` if the broker speaks version 13 (Kafka 4.1). */
export function produceRequest(
  partitions: readonly ProducePartition[],
  { isById, waitMs }: { readonly isById: boolean; readonly waitMs: number },
): KafkaRequest<readonly ProducedPartition[]> {
  const topics = Map.groupBy(partitions, ({ topicName, topicId }) => (isById ? topicId : topicName));
  return {
    apiKey: 0,
    apiName: 'Produce',
    apiVersion: isById ? PRODUCE_BY_ID_VERSION : PRODUCE_BY_NAME_VERSION,
    isFlexible: true,
    brokerWaitMs: waitMs,
    sizeBytes: partitions.reduce((bytes, { batch }) => bytes + batch.length + 64, 256),
    write(out) {
      out.compactString(null).int16(-1).int32(waitMs);
      out.compactArray([...topics], ([topic, produced]) => {
        if (isById) out.uuid(topic);
        else out.compactString(topic);
        out.compactArray(produced, ({ partition, batch }) => out.int32(partition).compactBytes(batch).noTags());
        out.noTags();
      });
      out.noTags();
    },
    read(input) {
      return input
        .compactArray(() => {
          const topic = isById ? input.uuid() : input.compactString()!;
          const ofTopic = input.compactArray(() => {
            const [partition, errorCode, baseOffset] = [input.int32(), input.int16(), input.int64()];
            input.int64();
            input.int64();
            input.compactArray(() => {
              input.int32();
              input.compactString();
              input.tags();
            });
            const message = input.compactString();
            input.tags();
            return { topic, partition, errorCode, message, baseOffset };
          });
          input.tags();
          return ofTopic;
        })
        .flat();
    },
  };
}

export interface ProducerIdentity {
  readonly errorCode: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** A producer id, by which brokers recognise a batch that they have already taken. */
export function initProducerIdRequest(): KafkaRequest<ProducerIdentity> {
  return {
    apiKey: 22,
    apiName: 'InitProducerId',
    apiVersion: 1,
    isFlexible: false,
    write: (out) => void out.string(null).int32(60_000),
    read(input) {
      input.int32();
      return { errorCode: input.int16(), producerId: input.bigInt64(), producerEpoch: input.int16() };
    },
  };
}
