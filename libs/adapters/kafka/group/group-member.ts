import { isPortError, type Clock, type LogPosition, type Membership, type Scheduler, type Telemetry } from '@k2/ports';
import type { AssignmentListener, TopicPartition } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import {
  findCoordinatorRequest,
  heartbeatRequest,
  joinGroupRequest,
  leaveGroupRequest,
  offsetCommitRequest,
  syncGroupRequest,
  type JoinAnswer,
  type MemberIdentity,
} from '../protocol/group-requests.ts';
import { KAFKA_ERRORS, kafkaErrorName, type KafkaRequest } from '../protocol/kafka-request.ts';
import { assignMembers, byTopic, flattened } from './assign-members.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts';
import { groupFailure } from './group-failure.ts';
import { Ownership } from './ownership.ts';

export interface GroupOptions {
  /** A member not heard of for so long loses its partitions. The broker has bounds for it. */
  readonly sessionTimeoutMs: number;
  /** How long the others wait for a member that has to join again, and for a listener to give partitions up. */
  readonly rebalanceTimeoutMs: number;
  /** How often a member is heard of, and hears of others that joined. */
  readonly heartbeatIntervalMs: number;
  /** How often the leader looks for new topics and partitions. */
  readonly topicRefreshMs: number;
}

export interface GroupMemberPorts {
  /** Of this member alone: a broker does nothing else on a connection while a member waits for the others. */
  readonly cluster: KafkaCluster;
  /** For what must not wait behind that. */
  readonly control: KafkaCluster;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly rebalanced: () => void;
  /** Partitions of topics, by Kafka's names; topics that do not exist are left out. */
  readonly partitionCounts: (kafkaTopics: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly nameInKafka: (topic: string) => string;
  readonly nameOfKafka: (kafkaTopic: string) => string;
}

/** Members of a group have to agree on one; that of Kafka's own consumers would let those join, and lead. */
const PROTOCOL_NAME = 'k2-cooperative';
const NO_GENERATION = -1;
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

/**
 * A member of one of Kafka's groups, in the protocol of its consumers before Kafka 4.0, which brokers go on speaking:
 * join, get a share, be heard of, and join again when others come or go. Partitions change hands in two rounds, see
 * `assignMembers`; heartbeats go on while the listener gives some up. A member that the group has put out, as one that was
 * frozen for longer than its session, loses everything at once and joins anew.
 */
export class GroupMember implements Membership {
  private readonly groupId: string;
  private readonly options: GroupOptions;
  private readonly ports: GroupMemberPorts;
  private readonly ownership: Ownership;
  private readonly stopping = new AbortController();
  private readonly noted = new Map<string, LogPosition>();
  private topics: readonly string[];
  private memberId = '';
  private generationId = NO_GENERATION;
  private coordinator: number | null = null;
  /** What the leader assigned by, to see when it changes; null: another member leads. */
  private led: ReadonlyMap<string, number> | null = null;
  private ledTopics: readonly string[] = [];
  private topicsDueUs = 0;
  private isJoinDue = true;
  private wake = new AbortController();
  private failure: unknown = null;
  private running: Promise<void> = Promise.resolve();
  private leaving: Promise<void> | null = null;
  private errands: Promise<void> | null = null;

  constructor(
    groupId: string,
    topics: readonly string[],
    listener: AssignmentListener,
    options: GroupOptions,
    ports: GroupMemberPorts,
  ) {
    this.groupId = groupId;
    this.topics = topics;
    this.options = options;
    this.ports = ports;
    this.ownership = new Ownership(listener, {
      scheduler: ports.scheduler,
      handOverWaitMs: options.rebalanceTimeoutMs,
      released: () => {
        // The group is told only once everything is given up.
        if (this.leaving === null) this.joinAgain();
      },
      refused: (failure) => {
        this.failure = failure;
        void this.leave().catch(() => undefined);
      },
    });
  }

  /** Resolves when the group is known to be there for us; the listener hears of the partitions later. */
  async start(): Promise<void> {
    await this.findCoordinator();
    this.running = this.run();
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    this.topics = topics;
    this.joinAgain();
  }

  /** Rejects if the listener had refused its partitions. */
  async leave(): Promise<void> {
    this.leaving ??= this.giveUp();
    await this.leaving;
    if (this.failure !== null) throw this.failure;
  }

  /** Topics were declared, or got partitions. */
  topicsChanged(): void {
    this.topicsDueUs = 0;
    this.wake.abort();
  }

  /** Committed to Kafka some time later, for its lag tools. */
  note(positions: readonly LogPosition[]): void {
    for (const position of positions) {
      if (this.ownership.holds(position)) this.noted.set(`${position.topic}/${position.partition}`, position);
    }
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private get identity(): MemberIdentity {
    const { groupId, memberId, generationId } = this;
    return { groupId, memberId, generationId };
  }

  private joinAgain(): void {
    this.isJoinDue = true;
    this.wake.abort();
  }

  private async run(): Promise<void> {
    const { scheduler, telemetry } = this.ports;
    let delayMs = RETRY_MS;
    while (!this.isStopped) {
      try {
        if (this.isJoinDue) await this.join();
        else await this.beat();
        delayMs = RETRY_MS;
      } catch (error) {
        if (this.isStopped) return;
        this.coordinator = null;
        const isRetryable = isPortError(error) && error.retryable;
        telemetry.log(isRetryable ? 'warn' : 'error', 'group membership: trying again', {
          group: this.groupId,
          error: error instanceof Error ? error.message : String(error),
          delayMs,
        });
        await scheduler.sleep(delayMs, this.stopping.signal);
        delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
      }
    }
  }

  private async join(): Promise<void> {
    await this.commitNoted();
    this.isJoinDue = false;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.options;
    const metadata = encodeSubscription({
      topics: this.topics.map((topic) => this.ports.nameInKafka(topic)),
      owned: byTopic(this.ownership.claimed.map((partition) => this.inKafka(partition))),
      generationId: this.generationId,
    });
    const { groupId, memberId } = this;
    const joined = await this.send(
      joinGroupRequest({
        groupId,
        memberId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocolName: PROTOCOL_NAME,
        metadata,
      }),
    );
    if (joined.errorCode === KAFKA_ERRORS.MEMBER_ID_REQUIRED) {
      this.memberId = joined.memberId;
      return this.joinAgain();
    }
    if (!this.isAccepted(joined.errorCode)) return;
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    const assignments = joined.leaderId === joined.memberId ? await this.lead(joined) : this.follow();
    const synced = await this.send(syncGroupRequest(this.identity, assignments, rebalanceTimeoutMs));
    if (!this.isAccepted(synced.errorCode) || this.isStopped) return;
    this.ports.rebalanced();
    this.ownership.moveTo(flattened(decodeAssignment(synced.assignment)).map((partition) => this.ofKafka(partition)));
  }

  private async lead({ members }: JoinAnswer) {
    const joined = members.map((member) => ({
      memberId: member.memberId,
      subscription: decodeSubscription(member.metadata),
    }));
    this.ledTopics = [...new Set(joined.flatMap(({ subscription }) => subscription.topics))];
    this.led = await this.ports.partitionCounts(this.ledTopics);
    this.topicsDueUs = this.topicsDueNextUs;
    return [...assignMembers(joined, this.led)].map(([memberId, share]) => ({
      memberId,
      assignment: encodeAssignment(share),
    }));
  }

  private follow(): [] {
    this.led = null;
    return [];
  }

  /** Waits for the next heartbeat's time, or for a reason to join again, and is heard of. */
  private async beat(): Promise<void> {
    const { heartbeatIntervalMs } = this.options;
    if (this.wake.signal.aborted) this.wake = new AbortController();
    if (this.isJoinDue) return;
    await this.ports.scheduler.sleep(heartbeatIntervalMs, AbortSignal.any([this.wake.signal, this.stopping.signal]));
    if (this.isStopped || this.isJoinDue) return;
    if (!this.isAccepted(await this.send(heartbeatRequest(this.identity)))) return;
    // Beside the heartbeats: a broker that is slow at one of these must not make us look dead.
    this.errands ??= this.runErrands().finally(() => (this.errands = null));
  }

  private async runErrands(): Promise<void> {
    try {
      await this.commitNoted();
      await this.lookForTopics();
    } catch (error) {
      this.ports.telemetry.log('debug', 'the leader of the group could not look for new topics', {
        error: String(error),
      });
    }
  }

  private async lookForTopics(): Promise<void> {
    if (this.led === null || this.ports.clock.monotonicUs() < this.topicsDueUs) return;
    this.topicsDueUs = this.topicsDueNextUs;
    const counts = await this.ports.partitionCounts(this.ledTopics);
    if (this.ledTopics.some((topic) => counts.get(topic) !== this.led!.get(topic))) this.joinAgain();
  }

  private get topicsDueNextUs(): number {
    return this.ports.clock.monotonicUs() + this.options.topicRefreshMs * 1_000;
  }

  /** False if the member has to join again; throws if it has to wait first. */
  private isAccepted(errorCode: number): boolean {
    if (this.isStopped) return false;
    switch (errorCode) {
      case KAFKA_ERRORS.NONE:
        return true;
      case KAFKA_ERRORS.REBALANCE_IN_PROGRESS:
        this.joinAgain();
        return false;
      case KAFKA_ERRORS.UNKNOWN_MEMBER_ID:
      case KAFKA_ERRORS.ILLEGAL_GENERATION:
        this.putOut(errorCode);
        return false;
      default:
        this.joinAgain();
        throw groupFailure(this.groupId, errorCode);
    }
  }

  private putOut(errorCode: number): void {
    const { telemetry } = this.ports;
    const partitions = this.ownership.claimed.length;
    telemetry.log('warn', 'put out of the group: its partitions are lost, joining again', {
      group: this.groupId,
      reason: kafkaErrorName(errorCode),
      partitions,
    });
    this.memberId = '';
    this.generationId = NO_GENERATION;
    this.led = null;
    this.noted.clear();
    this.ownership.loseAll();
    this.joinAgain();
  }

  /** Heartbeats go on until the listener has given everything up. */
  private async giveUp(): Promise<void> {
    await this.ownership.end();
    await this.commitNoted();
    this.stopping.abort();
    const { groupId, memberId, coordinator } = this;
    if (memberId !== '' && coordinator !== null) {
      // Who does not hear of it waits for the session's end.
      await this.ports.control.send(coordinator, leaveGroupRequest({ groupId, memberId })).catch(() => undefined);
    }
    await this.ports.cluster.close();
    await this.running;
  }

  private async commitNoted(): Promise<void> {
    if (this.noted.size === 0 || this.generationId === NO_GENERATION || this.coordinator === null) return;
    const positions = [...this.noted.values()];
    this.noted.clear();
    const offsets = positions.map(({ topic, partition, nextOffset }) => ({
      topic: this.ports.nameInKafka(topic),
      partition,
      offset: nextOffset,
    }));
    // Only a hint: what is committed is what the store says.
    await this.ports.control
      .send(this.coordinator, offsetCommitRequest(this.identity, offsets))
      .catch((error: unknown) =>
        this.ports.telemetry.log('debug', 'group offsets were not committed', { error: String(error) }),
      );
  }

  private async findCoordinator(): Promise<number> {
    if (this.coordinator !== null) return this.coordinator;
    const { errorCode, nodeId } = await this.ports.cluster.send(null, findCoordinatorRequest(this.groupId));
    if (errorCode !== KAFKA_ERRORS.NONE) throw groupFailure(this.groupId, errorCode);
    return (this.coordinator = nodeId);
  }

  private async send<Answer>(request: KafkaRequest<Answer>): Promise<Answer> {
    return this.ports.cluster.send(await this.findCoordinator(), request);
  }

  private inKafka({ topic, partition }: TopicPartition): TopicPartition {
    return { topic: this.ports.nameInKafka(topic), partition };
  }

  private ofKafka({ topic, partition }: TopicPartition): TopicPartition {
    return { topic: this.ports.nameOfKafka(topic), partition };
  }
}
