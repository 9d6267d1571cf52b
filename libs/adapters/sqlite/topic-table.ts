import { PortError, type TopicDescription, type TopicPartition } from '@k2/ports';
import type { StoredTopic } from './log-database.ts';

export interface Topic {
  readonly description: TopicDescription;
  readonly partitions: readonly Partition[];
}

export interface Partition {
  readonly topicPartition: TopicPartition;
  readonly partitionKey: number;
  startOffset: number;
  endOffset: number;
}

/** What is known of the log's topics without asking the database: nobody else writes to it. */
export class TopicTable {
  private byName = new Map<string, Topic>();
  private byKey = new Map<number, Partition>();

  get descriptions(): TopicDescription[] {
    return [...this.byName.values()].map(({ description }) => description);
  }

  /** Takes topics and partitions in that are new. Those known keep their objects: work under way holds on to them. */
  update(stored: readonly StoredTopic[]): void {
    for (const { name, topicId, framing, partitions } of stored) {
      const known = partitions.map(({ partitionKey, startOffset, endOffset }, partition) => {
        const topicPartition = { topic: name, partition };
        return this.byKey.get(partitionKey) ?? { topicPartition, partitionKey, startOffset, endOffset };
      });
      for (const partition of known) this.byKey.set(partition.partitionKey, partition);
      this.byName.set(name, {
        description: { name, topicId, framing, partitions: partitions.length },
        partitions: known,
      });
    }
  }

  find(name: string): Topic | undefined {
    return this.byName.get(name);
  }

  topic(name: string): Topic {
    const topic = this.byName.get(name);
    if (topic !== undefined) return topic;
    throw new PortError('unknown-topic', `topic ${name} is not declared: declare it first`, { topic: name });
  }

  partition({ topic, partition }: TopicPartition): Partition {
    const { partitions } = this.topic(topic);
    if (partition in partitions) return partitions[partition];
    const message = `topic ${topic} has ${partitions.length} partitions, and no partition ${partition}`;
    throw new PortError('unknown-topic', message, { topic, partition });
  }

  partitionByKey(partitionKey: number): Partition {
    return this.byKey.get(partitionKey)!;
  }

  partitionsOf(topics: ReadonlySet<string>): readonly TopicPartition[] {
    return [...topics].flatMap(
      (name) => this.byName.get(name)?.partitions.map(({ topicPartition }) => topicPartition) ?? [],
    );
  }
}
