import { randomUUID } from 'node:crypto';
import { TOPIC_SETTINGS, type TopicRule } from '@k2/domain/wire';
import kafkajs from 'kafkajs';
import type { SchemaRegistry, Telemetry } from '@k2/ports';
import { KafkaTickLog } from '../kafka-tick-log.ts';
import type { KafkaTickLogOptions, KafkaTuning } from '../kafka-options.ts';
import { FakeRegistry } from './fake-registry.ts';
import { clock, scheduler, silent } from './real-time.ts';

export const TOPIC = 'market.equities.trades.asx';

/** Logs whose topics nobody else uses, on brokers that outlive the test. */
export class TestKafka {
  readonly prefix = `k2test-${randomUUID().slice(0, 8)}.`;
  readonly registry = new FakeRegistry();
  private readonly brokers: readonly string[];
  private readonly logs: KafkaTickLog[] = [];
  private kafkaAdmin: kafkajs.Admin | null = null;

  constructor(brokers: readonly string[]) {
    this.brokers = brokers;
  }

  async open({
    rule = {},
    tuning = {},
    ...options
  }: Partial<Pick<KafkaTickLogOptions, 'brokers' | 'tls' | 'sasl'>> & {
    readonly rule?: Partial<TopicRule>;
    readonly tuning?: Partial<KafkaTuning>;
    readonly telemetry?: Telemetry;
    readonly registry?: SchemaRegistry;
  } = {}): Promise<KafkaTickLog> {
    const log = await KafkaTickLog.open({
      brokers: this.brokers,
      registry: this.registry,
      clock,
      scheduler,
      telemetry: silent,
      topicPrefix: this.prefix,
      rules: [{ topics: 'market.*.*.*', partitions: 1, framing: 'block', ...TOPIC_SETTINGS, ...rule }],
      tuning: { heartbeatIntervalMs: 100, topicRefreshMs: 200, ...tuning },
      ...options,
    });
    this.logs.push(log);
    return log;
  }

  nameInKafka(topic: string): string {
    return this.prefix + topic;
  }

  /** A client of Kafka that is none of ours. */
  client(): kafkajs.Kafka {
    const retry = { retries: 5, initialRetryTime: 100 };
    return new kafkajs.Kafka({ brokers: [...this.brokers], logLevel: kafkajs.logLevel.NOTHING, retry });
  }

  async admin(): Promise<kafkajs.Admin> {
    if (this.kafkaAdmin === null) {
      this.kafkaAdmin = this.client().admin();
      await this.kafkaAdmin.connect();
    }
    return this.kafkaAdmin;
  }

  async closeLogs(): Promise<void> {
    await Promise.all(this.logs.splice(0).map((log) => log.close()));
  }

  /** Also takes the topics away. */
  async close(): Promise<void> {
    await this.closeLogs();
    const admin = await this.admin();
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(this.prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    await admin.disconnect();
  }
}
