import { PortError } from '@k2/ports';

/** `market.<asset_class>.<type>.<venue>` and `audit.rejections`. */
const K2_TOPIC = /^(market\.[a-z]+\.[a-z_]+\.[a-z0-9_-]+|audit\.rejections)$/;

/** Topics are known to Kafka by a prefix and the name that the port has for them. */
export class TopicNames {
  private readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  inKafka(topic: string): string {
    return this.prefix + topic;
  }

  /** Null if the topic is none of ours. */
  ofKafka(kafkaTopic: string): string | null {
    const topic = this.withoutPrefix(kafkaTopic);
    return kafkaTopic.startsWith(this.prefix) && K2_TOPIC.test(topic) ? topic : null;
  }

  withoutPrefix(kafkaTopic: string): string {
    return kafkaTopic.slice(this.prefix.length);
  }

  /** A group's name has the prefix too, so that tenants do not share groups. */
  groupInKafka(group: string): string {
    return this.prefix + group;
  }
}

export function assertDeclarableName(topic: string): void {
  if (K2_TOPIC.test(topic)) return;
  throw new PortError(
    'unavailable',
    `topic ${topic} cannot be declared: expected market.<asset_class>.<type>.<venue> in small letters, or audit.rejections`,
    { topic },
  );
}
