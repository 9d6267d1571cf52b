import type { Framing } from '@k2/domain/wire';
import { PortError, type TopicDescription } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { metadataRequest, type TopicMetadata } from '../protocol/topic-requests.ts';
import { recreated } from '../read/locate.ts';
import type { TopicNames } from './topic-names.ts';

export interface KnownTopic {
  readonly name: string;
  readonly kafkaTopic: string;
  /** Of the topic as this log first saw it. */
  readonly topicId: string;
  /** Broker of each partition; -1 while one is being chosen. */
  readonly leaders: readonly number[];
  readonly framing: Framing;
}

/**
 * What is known of topics. The id a topic had first is the one it has to keep: from a topic that was created anew under
 * its name nothing is read or appended until the log is opened again, as offsets that callers hold mean nothing in it.
 */
export class TopicTable {
  private readonly cluster: KafkaCluster;
  private readonly names: TopicNames;
  private readonly framingOf: (topic: string) => Framing;
  private readonly known = new Map<string, KnownTopic>();
  /** Topics known that are another one now, and its id. */
  private readonly replaced = new Map<string, string>();

  constructor(cluster: KafkaCluster, names: TopicNames, framingOf: (topic: string) => Framing) {
    this.cluster = cluster;
    this.names = names;
    this.framingOf = framingOf;
  }

  /** All topics of K2 as they are now, whether known by another id or not. */
  async list(): Promise<readonly TopicDescription[]> {
    const found = await this.cluster.send(null, metadataRequest(null));
    return found.flatMap((metadata) => {
      const name = this.names.ofKafka(metadata.name);
      if (name === null || metadata.errorCode !== KAFKA_ERRORS.NONE) return [];
      this.learn(name, metadata);
      return [this.describe(name, metadata)];
    });
  }

  /** As Kafka has it now; null if there is none. */
  async look(name: string): Promise<TopicDescription | null> {
    const [metadata] = await this.cluster.send(null, metadataRequest([this.names.inKafka(name)]));
    if (metadata === undefined || metadata.errorCode === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION) return null;
    assertUsable(name, metadata);
    this.learn(name, metadata);
    return this.describe(name, metadata);
  }

  /** As it is known; undefined if it never was. Throws if it is not the one that it was. */
  find(name: string): KnownTopic | undefined {
    const known = this.known.get(name);
    return known === undefined ? undefined : this.same(known);
  }

  /** As Kafka has them now; throws if one is not there, or not the one that it was. */
  async refreshed(names: readonly string[]): Promise<readonly KnownTopic[]> {
    const kafkaTopics = names.map((name) => this.names.inKafka(name));
    const found = new Map(
      (kafkaTopics.length === 0 ? [] : await this.cluster.send(null, metadataRequest(kafkaTopics))).map((topic) => [
        topic.name,
        topic,
      ]),
    );
    return names.map((name, index) => {
      const metadata = found.get(kafkaTopics[index]);
      if (metadata === undefined || metadata.errorCode === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION) {
        throw new PortError('unknown-topic', `topic ${name} is not declared: declare it first`, { topic: name });
      }
      assertUsable(name, metadata);
      return this.same(this.learn(name, metadata));
    });
  }

  /** How many partitions the topics have, by Kafka's names; those that do not exist are left out. */
  async partitionCounts(kafkaTopics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (kafkaTopics.length === 0) return new Map();
    const found = await this.cluster.send(null, metadataRequest(kafkaTopics));
    return new Map(
      found.filter(({ partitions }) => partitions.length > 0).map(({ name, partitions }) => [name, partitions.length]),
    );
  }

  /** Someone else has seen that the topic has another id. */
  markReplaced(name: string, topicId: string): void {
    if (this.known.get(name)?.topicId !== topicId) this.replaced.set(name, topicId);
  }

  private learn(name: string, { topicId, partitions }: TopicMetadata): KnownTopic {
    const before = this.known.get(name);
    if (before !== undefined && before.topicId !== topicId) {
      this.replaced.set(name, topicId);
      return before;
    }
    const known = {
      name,
      kafkaTopic: this.names.inKafka(name),
      topicId,
      leaders: partitions.map(({ leader }) => leader),
      framing: this.framingOf(name),
    };
    this.known.set(name, known);
    return known;
  }

  private same(known: KnownTopic): KnownTopic {
    const replacedBy = this.replaced.get(known.name);
    if (replacedBy !== undefined) throw recreated(known.name, known.topicId, replacedBy);
    return known;
  }

  private describe(name: string, { topicId, partitions }: TopicMetadata): TopicDescription {
    return { name, topicId, partitions: partitions.length, framing: this.framingOf(name) };
  }
}

function assertUsable(name: string, { errorCode }: TopicMetadata): void {
  if (errorCode === KAFKA_ERRORS.NONE || errorCode === KAFKA_ERRORS.LEADER_NOT_AVAILABLE) return;
  if (errorCode === KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED) {
    const message = `topic ${name}: Kafka does not let us see it: grant Describe on it`;
    throw new PortError('unavailable', message, { topic: name });
  }
  throw passing(`topic ${name}: ${kafkaErrorName(errorCode)}`, { topic: name });
}
