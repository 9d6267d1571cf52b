import {
  partitioner,
  TOPIC_SETTINGS,
  topicSpecOf,
  type Partitioner,
  type TopicRules,
  type TopicSettings,
  type TopicSpec,
} from '@k2/domain/wire';
import { PortError } from '@k2/ports';

/** How topics are to be written, by the rules that every process is configured with: Kafka keeps no framing of a topic. */
export class TopicPlans {
  private readonly rules: TopicRules;
  private readonly specs = new Map<string, TopicSpec>();
  private readonly partitioners = new Map<string, { readonly partitions: number; readonly partitioner: Partitioner }>();

  constructor(rules: TopicRules) {
    this.rules = rules;
  }

  /** Throws if no rule is for the topic. */
  spec(topic: string): TopicSpec {
    let spec = this.specs.get(topic);
    if (spec === undefined) {
      try {
        spec = topicSpecOf(topic, this.rules);
      } catch (cause) {
        throw new PortError('unavailable', (cause as Error).message, { topic }, { cause });
      }
      this.specs.set(topic, spec);
    }
    return spec;
  }

  settings(topic: string): TopicSettings {
    return this.spec(topic).settings ?? TOPIC_SETTINGS;
  }

  /** Of a topic with so many partitions. Throws if they are too few for its rule. */
  partitioner(topic: string, partitions: number): Partitioner {
    const known = this.partitioners.get(topic);
    if (known?.partitions === partitions) return known.partitioner;
    try {
      const made = partitioner(this.settings(topic).partitioner, partitions);
      this.partitioners.set(topic, { partitions, partitioner: made });
      return made;
    } catch (cause) {
      const message = `nothing can be appended to topic ${topic}: ${(cause as Error).message}`;
      throw new PortError('unavailable', message, { topic, partitions }, { cause });
    }
  }
}
