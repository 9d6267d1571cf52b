import { KafkaReader } from '../protocol/kafka-reader.ts';
import { KafkaWriter } from '../protocol/kafka-writer.ts';
import type { TopicPartitions } from '../protocol/topic-requests.ts';

/**
 * What members of a group tell each other, in the format of Kafka's own consumers (ConsumerProtocolSubscription version 2
 * and ConsumerProtocolAssignment version 0), so that Kafka's tools show who has what.
 */
export interface Subscription {
  readonly topics: readonly string[];
  /** What the member has, or is about to give up. */
  readonly owned: readonly TopicPartitions[];
  /** In which generation it got them; -1: in none. */
  readonly generationId: number;
}

const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 0;
const NO_USER_DATA = new Uint8Array();

export function encodeSubscription({ topics, owned, generationId }: Subscription): Uint8Array {
  const out = new KafkaWriter().int16(SUBSCRIPTION_VERSION);
  out.array(topics, (topic) => out.string(topic)).bytes(NO_USER_DATA);
  return writePartitions(out, owned).int32(generationId).finish();
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const input = new KafkaReader(bytes);
  const version = input.int16();
  const topics = input.array(() => input.string()!);
  input.bytes();
  const owned = version >= 1 ? readPartitions(input) : [];
  return { topics, owned, generationId: version >= 2 ? input.int32() : -1 };
}

export function encodeAssignment(assigned: readonly TopicPartitions[]): Uint8Array {
  return writePartitions(new KafkaWriter().int16(ASSIGNMENT_VERSION), assigned).bytes(NO_USER_DATA).finish();
}

/** Empty if there are no bytes: a leader may leave out a member that gets nothing. */
export function decodeAssignment(bytes: Buffer): readonly TopicPartitions[] {
  if (bytes.length === 0) return [];
  const input = new KafkaReader(bytes);
  input.int16();
  return readPartitions(input);
}

function writePartitions(out: KafkaWriter, topics: readonly TopicPartitions[]): KafkaWriter {
  return out.array(topics, ({ topic, partitions }) => {
    out.string(topic).array(partitions, (partition) => out.int32(partition));
  });
}

function readPartitions(input: KafkaReader): TopicPartitions[] {
  return input.array(() => ({ topic: input.string()!, partitions: input.array(() => input.int32()) }));
}
