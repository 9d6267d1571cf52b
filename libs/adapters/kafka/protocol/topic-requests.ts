import { KAFKA_ERRORS, type KafkaRequest } from './kafka-request.ts';

export interface TopicMetadata {
  readonly errorCode: number;
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  /** In order of their numbers. */
  readonly partitions: readonly { readonly errorCode: number; readonly partition: number; readonly leader: number }[];
}

/**
 * Metadata version 12, the first with ids of topics in both directions that every Kafka 4 speaks; kafkajs stops at 6.
 * Null names ask for all topics.
 */
export function metadataRequest(names: readonly string[] | null): KafkaRequest<readonly TopicMetadata[]> {
  return {
    apiKey: 3,
    apiName: 'Metadata',
    apiVersion: 12,
    isFlexible: true,
    write(out) {
      out.compactArray(names, (name) => out.uuid(NO_TOPIC_ID).compactString(name).noTags());
      out.bool(false).bool(false).noTags();
    },
    read(input) {
      input.int32();
      input.compactArray(() => {
        input.int32();
        input.compactString();
        input.int32();
        input.compactString();
        input.tags();
      });
      input.compactString();
      input.int32();
      return input.compactArray(() => {
        const errorCode = input.int16();
        const name = input.compactString() ?? '';
        const topicId = input.uuid();
        const isInternal = input.int8() !== 0;
        const partitions = input.compactArray(() => {
          const partition = { errorCode: input.int16(), partition: input.int32(), leader: input.int32() };
          input.int32();
          for (let list = 0; list < 3; list++) input.compactArray(() => input.int32());
          input.tags();
          return partition;
        });
        input.int32();
        input.tags();
        return {
          errorCode,
          name,
          topicId,
          isInternal,
          partitions: partitions.sort((a, b) => a.partition - b.partition),
        };
      });
    },
  };
}

const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';

export interface TopicCreation {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface TopicAnswer {
  readonly errorCode: number;
  readonly message: string | null;
}

const CREATE_TIMEOUT_MS = 10_000;

export function createTopicRequest(topic: TopicCreation): KafkaRequest<TopicAnswer> {
  return {
    apiKey: 19,
    apiName: 'CreateTopics',
    apiVersion: 4,
    isFlexible: false,
    brokerWaitMs: CREATE_TIMEOUT_MS,
    write(out) {
      out.array([topic], ({ name, partitions, replicationFactor, settings }) => {
        out.string(name).int32(partitions).int16(replicationFactor);
        out.array([], () => {});
        out.array(Object.entries(settings), ([key, value]) => out.string(key).string(value));
      });
      out.int32(CREATE_TIMEOUT_MS).bool(false);
    },
    read(input) {
      input.int32();
      return onlyTopic(
        input.array(() => ({ name: input.string(), errorCode: input.int16(), message: input.string() })),
      );
    },
  };
}

export function createPartitionsRequest(name: string, partitions: number): KafkaRequest<TopicAnswer> {
  return {
    apiKey: 37,
    apiName: 'CreatePartitions',
    apiVersion: 1,
    isFlexible: false,
    brokerWaitMs: CREATE_TIMEOUT_MS,
    write(out) {
      // No assignment (-1): the controller chooses the replicas.
      out.array([name], () => out.string(name).int32(partitions).int32(-1));
      out.int32(CREATE_TIMEOUT_MS).bool(false);
    },
    read(input) {
      input.int32();
      return onlyTopic(
        input.array(() => ({ name: input.string(), errorCode: input.int16(), message: input.string() })),
      );
    },
  };
}

function onlyTopic(answers: readonly TopicAnswer[]): TopicAnswer {
  return answers[0] ?? { errorCode: KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION, message: null };
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface ListedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: number;
}

/** First offset kept, or the end that a reader of committed records sees (the last stable offset). */
export function listOffsetsRequest(
  which: 'start' | 'end',
  topics: readonly TopicPartitions[],
): KafkaRequest<readonly ListedOffset[]> {
  return {
    apiKey: 2,
    apiName: 'ListOffsets',
    apiVersion: 5,
    isFlexible: false,
    write(out) {
      out.int32(-1).int8(READ_COMMITTED);
      out.array(topics, ({ topic, partitions }) => {
        out.string(topic);
        out.array(partitions, (partition) =>
          out
            .int32(partition)
            .int32(-1)
            .int64(which === 'start' ? -2 : -1),
        );
      });
    },
    read(input) {
      input.int32();
      return input
        .array(() => {
          const topic = input.string()!;
          return input.array(() => {
            const [partition, errorCode] = [input.int32(), input.int16()];
            input.int64();
            const offset = input.int64();
            input.int32();
            return { topic, partition, errorCode, offset };
          });
        })
        .flat();
    },
  };
}

/** Isolation level: records of transactions that were not committed are left out. */
export const READ_COMMITTED = 1;
