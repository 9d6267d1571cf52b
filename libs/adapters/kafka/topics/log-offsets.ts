import { PortError, type PartitionOffsets } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { listOffsetsRequest, type ListedOffset } from '../protocol/topic-requests.ts';
import type { LanePosition } from '../read/reader-protocol.ts';
import type { KnownTopic, TopicTable } from './topic-table.ts';

interface Asked {
  readonly kafkaTopic: string;
  readonly partition: number;
  readonly leader: number;
}

/** Start and end of every partition of the topics; the ends are those of committed records. */
export async function logOffsets(
  cluster: KafkaCluster,
  table: TopicTable,
  names: readonly string[],
): Promise<readonly PartitionOffsets[]> {
  const topics = await table.refreshed(names);
  const asked = topics.flatMap(partitionsOf);
  const [starts, ends] = await Promise.all([listed(cluster, 'start', asked), listed(cluster, 'end', asked)]);
  // Kafka lists offsets by name: they are of the id only if it was the same before and after.
  await table.refreshed(names);
  return topics.flatMap(({ name, kafkaTopic, topicId, leaders }) =>
    leaders.map((_, partition) => {
      const key = keyOf(kafkaTopic, partition);
      return { topic: name, partition, topicId, startOffset: starts.get(key)!, endOffset: ends.get(key)! };
    }),
  );
}

/** Whether the log ends at the positions now. One that ends before is not: a reader there is told why. */
export async function isAtEnd(
  cluster: KafkaCluster,
  table: TopicTable,
  positions: readonly LanePosition[],
): Promise<boolean> {
  const topics = new Map(
    (await table.refreshed([...new Set(positions.map(({ topic }) => topic))])).map((topic) => [topic.name, topic]),
  );
  const asked = positions.map(({ topic, kafkaTopic, partition }) => {
    const leader = topics.get(topic)!.leaders[partition];
    if (leader === undefined) throw noPartition(topics.get(topic)!, partition);
    return { kafkaTopic, partition, leader };
  });
  const ends = await listed(cluster, 'end', asked);
  return positions.every(
    ({ kafkaTopic, partition, nextOffset }) => ends.get(keyOf(kafkaTopic, partition)) === nextOffset,
  );
}

export function noPartition({ name, leaders }: KnownTopic, partition: number): PortError {
  const message = `topic ${name} has ${leaders.length} partitions, and no partition ${partition}`;
  return new PortError('unknown-topic', message, { topic: name, partition });
}

function partitionsOf({ kafkaTopic, leaders }: KnownTopic): Asked[] {
  return leaders.map((leader, partition) => ({ kafkaTopic, partition, leader }));
}

async function listed(
  cluster: KafkaCluster,
  which: 'start' | 'end',
  asked: readonly Asked[],
): Promise<ReadonlyMap<string, number>> {
  const byLeader = Map.groupBy(asked, ({ leader }) => leader);
  const answers = await Promise.all(
    [...byLeader].map(async ([leader, ofLeader]) => {
      if (leader < 0) throw passing(`${ofLeader[0].kafkaTopic}/${ofLeader[0].partition} has no leader`);
      const topics = [...Map.groupBy(ofLeader, ({ kafkaTopic }) => kafkaTopic)].map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map(({ partition }) => partition),
      }));
      return cluster.send(leader, listOffsetsRequest(which, topics));
    }),
  );
  return new Map(answers.flat().map((listing) => [keyOf(listing.topic, listing.partition), offsetOf(listing)]));
}

function offsetOf({ topic, partition, errorCode, offset }: ListedOffset): number {
  if (errorCode === KAFKA_ERRORS.NONE) return offset;
  if (errorCode === KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED) {
    throw new PortError('unavailable', `topic ${topic}: Kafka does not let us read it: grant Read on it`, { topic });
  }
  throw passing(`${topic}/${partition}: ${kafkaErrorName(errorCode)}`, { topic, partition });
}

function keyOf(kafkaTopic: string, partition: number): string {
  return `${kafkaTopic}/${partition}`;
}
