import type { TopicSpec } from '@k2/domain/wire';
import {
  PortError,
  type AppendReceipt,
  type AssignmentListener,
  type LogPayload,
  type LogPosition,
  type LogReadRequest,
  type LogRecord,
  type Membership,
  type PartitionOffsets,
  type TickLog,
  type TopicDescription,
} from '@k2/ports';
import { LogProducer } from './append/log-producer.ts';
import { TopicSchemas } from './append/topic-schemas.ts';
import type { KafkaConnectionOptions } from './connection/connection-options.ts';
import { KafkaCluster } from './connection/kafkajs-cluster.ts';
import { withPatience } from './connection/patience.ts';
import { GroupMember } from './group/group-member.ts';
import { KAFKA_TUNING, type KafkaTickLogOptions, type KafkaTuning } from './kafka-options.ts';
import { LogReader } from './read/log-reader.ts';
import type { LanePosition } from './read/reader-protocol.ts';
import { declareTopic } from './topics/declare-topic.ts';
import { isAtEnd, logOffsets, noPartition } from './topics/log-offsets.ts';
import { assertDeclarableName, TopicNames } from './topics/topic-names.ts';
import { TopicPlans } from './topics/topic-plans.ts';
import { TopicTable, type KnownTopic } from './topics/topic-table.ts';

/**
 * A TickLog on Kafka 4: any number of processes share it. Values are in the Confluent wire format, their schemas in the
 * registry; which of K2's kinds a record is, its schema id says. Reading and decoding has a thread of its own. `trim` keeps
 * nothing from growing: that is the topics' retention. It only tells Kafka how far a group is.
 */
export class KafkaTickLog implements TickLog {
  private readonly options: KafkaTickLogOptions;
  private readonly tuning: KafkaTuning;
  private readonly connection: KafkaConnectionOptions;
  private readonly names: TopicNames;
  private readonly plans: TopicPlans;
  private readonly control: KafkaCluster;
  private readonly producerCluster: KafkaCluster;
  private readonly table: TopicTable;
  private readonly schemas: TopicSchemas;
  private readonly producer: LogProducer;
  private readonly reader: LogReader;
  private readonly appendTurns = new Map<string, Promise<unknown>>();
  private readonly members = new Set<GroupMember>();
  private readonly rebalances;
  private closing: Promise<void> | null = null;

  /** Rejects with `unavailable` if the brokers cannot be reached, or refuse us. */
  static async open(options: KafkaTickLogOptions): Promise<KafkaTickLog> {
    const log = new KafkaTickLog(options);
    try {
      await log.patiently(() => log.table.list());
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  private constructor(options: KafkaTickLogOptions) {
    const { brokers, tls, sasl, registry, clock, scheduler, telemetry, rules } = options;
    const tuning = { ...KAFKA_TUNING, ...options.tuning };
    const { clientId, connectTimeoutMs, requestTimeoutMs } = tuning;
    this.options = options;
    this.tuning = tuning;
    this.connection = {
      brokers,
      clientId,
      connectTimeoutMs,
      requestTimeoutMs,
      ...(tls !== undefined && { tls }),
      ...(sasl !== undefined && { sasl }),
    };
    this.names = new TopicNames(options.topicPrefix ?? '');
    this.control = this.newCluster();
    // Produce waits for replicas, and everything behind it on the connection would.
    this.producerCluster = this.newCluster();
    this.plans = new TopicPlans(rules);
    this.table = new TopicTable(this.control, this.names, (topic) => this.plans.spec(topic).framing);
    this.schemas = new TopicSchemas(registry);
    this.producer = new LogProducer(this.producerCluster, tuning, {
      clock,
      scheduler,
      telemetry,
      refresh: async (topic) => (await this.table.refreshed([topic]))[0],
    });
    this.reader = new LogReader(
      { ...tuning, connection: this.connection },
      {
        registry,
        scheduler,
        telemetry,
        isAtEnd: (positions, signal) => this.patiently(() => isAtEnd(this.control, this.table, positions), signal),
        recreated: (topic, topicId) => this.table.markReplaced(topic, topicId),
      },
    );
    this.rebalances = telemetry.counter('k2_kafka_rebalances', 'Times that a member of a group was given its share.');
  }

  async declareTopic(spec: TopicSpec): Promise<TopicDescription> {
    this.assertOpen();
    assertDeclarableName(spec.name);
    const { framing } = this.plans.spec(spec.name);
    if (spec.framing !== framing) {
      const message = `topic ${spec.name} was to be declared with ${spec.framing} framing, but its rule says ${framing}`;
      throw new PortError('unavailable', message, { topic: spec.name, framing });
    }
    const settings = spec.settings ?? this.plans.settings(spec.name);
    const description = await this.patiently(() =>
      declareTopic(this.control, this.table, this.names, spec, settings, this.tuning),
    );
    for (const member of this.members) member.topicsChanged();
    return description;
  }

  async topics(): Promise<readonly TopicDescription[]> {
    this.assertOpen();
    return this.patiently(() => this.table.list());
  }

  async append(topic: string, payload: LogPayload): Promise<AppendReceipt> {
    this.assertOpen();
    // The first append to a topic looks it up and registers its schema; those behind it wait in line.
    const before = this.appendTurns.get(topic) ?? Promise.resolve();
    const taken = before.then(() => this.take(topic, payload));
    this.appendTurns.set(
      topic,
      taken.catch(() => undefined),
    );
    return (await taken).receipt;
  }

  async read({ positions, bytesMax, waitMs }: LogReadRequest, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    this.assertOpen();
    const located: LanePosition[] = [];
    for (const position of positions) located.push(await this.locate(position));
    this.assertOpen();
    return this.reader.read(located, { bytesMax, waitMs }, signal);
  }

  async offsets(topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    this.assertOpen();
    return this.patiently(() => logOffsets(this.control, this.table, topics));
  }

  async trim(positions: readonly LogPosition[]): Promise<void> {
    this.assertOpen();
    for (const member of this.members) member.note(positions);
  }

  async join(group: string, topics: readonly string[], listener: AssignmentListener): Promise<Membership> {
    this.assertOpen();
    const { clock, scheduler, telemetry } = this.options;
    const { sessionTimeoutMs, requestTimeoutMs } = this.tuning;
    const member = new GroupMember(this.names.groupInKafka(group), topics, listener, this.tuning, {
      cluster: this.newCluster({ requestTimeoutMs: Math.min(requestTimeoutMs, sessionTimeoutMs) }),
      control: this.control,
      clock,
      scheduler,
      telemetry,
      rebalanced: () => this.rebalances.add(1, { group }),
      partitionCounts: (kafkaTopics) => this.table.partitionCounts(kafkaTopics),
      nameInKafka: (topic) => this.names.inKafka(topic),
      nameOfKafka: (kafkaTopic) => this.names.withoutPrefix(kafkaTopic),
    });
    this.members.add(member);
    this.reader.warmUp();
    try {
      await this.patiently(() => member.start());
    } catch (error) {
      await this.forget(member).catch(() => undefined);
      throw error;
    }
    return {
      subscribe: (wanted) => member.subscribe(wanted),
      leave: () => this.forget(member),
    };
  }

  async close(): Promise<void> {
    this.closing ??= this.finish();
    await this.closing;
  }

  private async finish(): Promise<void> {
    const reader = this.reader.close();
    await Promise.all(this.appendTurns.values());
    await this.producer.idle();
    // `leave()` rethrows a listener's rejection; during close nobody needs it.
    await Promise.all([...this.members].map((member) => this.forget(member).catch(() => undefined)));
    await reader;
    await Promise.all([this.control.close(), this.producerCluster.close()]);
  }

  private async take(topic: string, payload: LogPayload): Promise<{ readonly receipt: Promise<AppendReceipt> }> {
    const known = await this.knownTopic(topic);
    const schemaId = await this.schemas.idFor(known, payload);
    const { compression } = this.plans.settings(topic);
    const partitionOf = this.plans.partitioner(topic, known.leaders.length);
    const target = { topic: known, compression, partitionOf, schemaId };
    return { receipt: this.producer.append(target, payload) };
  }

  private async forget(member: GroupMember): Promise<void> {
    this.members.delete(member);
    await member.leave();
  }

  private async knownTopic(topic: string): Promise<KnownTopic> {
    return this.table.find(topic) ?? (await this.patiently(() => this.table.refreshed([topic])))[0];
  }

  private async locate({ topic, partition, nextOffset }: LogPosition): Promise<LanePosition> {
    let known = await this.knownTopic(topic);
    // It may have got partitions since.
    if (!(partition in known.leaders)) [known] = await this.patiently(() => this.table.refreshed([topic]));
    if (!(partition in known.leaders)) throw noPartition(known, partition);
    return { topic, kafkaTopic: known.kafkaTopic, topicId: known.topicId, partition, nextOffset };
  }

  private patiently<Result>(attempt: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const { clock, scheduler } = this.options;
    return withPatience(
      async () => {
        try {
          return await attempt();
        } catch (error) {
          this.assertOpen(error);
          throw error;
        }
      },
      {
        patienceMs: this.tuning.patienceMs,
        monotonicUs: () => clock.monotonicUs(),
        sleep: (ms, until) => scheduler.sleep(ms, until),
        signal,
      },
    );
  }

  private newCluster(overrides: Partial<KafkaConnectionOptions> = {}): KafkaCluster {
    const { telemetry } = this.options;
    return new KafkaCluster({ ...this.connection, ...overrides }, (message, fields) =>
      telemetry.log('debug', message, fields),
    );
  }

  private assertOpen(cause?: unknown): void {
    if (this.closing === null) return;
    const { brokers } = this.options;
    throw new PortError('closed', `the log at ${brokers.join(', ')} was closed`, { brokers }, { cause });
  }
}
