import type { Membership, Scheduler, TickLog, TopicPartition } from '@k2/ports';

/** How a member of the group handles assigned and revoked partitions. */
export interface HandoverListener {
  assigned(partitions: readonly TopicPartition[]): Promise<void>;
  revoked(partitions: readonly TopicPartition[]): Promise<void>;
  /** A look for new topics failed, or succeeded again (null). */
  looked(error: unknown): void;
}

/**
 * The sink as a member of its group: looks for new topics beside all other work, and takes a share of each. A look that
 * fails is repeated; what the sink owns already it goes on with.
 */
export class PartitionHandover {
  private readonly ports: { readonly log: TickLog; readonly scheduler: Scheduler };
  private readonly group: string;
  private readonly listener: HandoverListener;
  private readonly ending = new AbortController();
  private membership: Membership | null = null;
  private subscribed: ReadonlySet<string> = new Set();
  private looking: Promise<void> = Promise.resolve();

  constructor(
    ports: { readonly log: TickLog; readonly scheduler: Scheduler },
    group: string,
    listener: HandoverListener,
  ) {
    this.ports = ports;
    this.group = group;
    this.listener = listener;
  }

  get topics(): readonly string[] {
    return [...this.subscribed];
  }

  /** Looks now, and again after each interval; `alsoThen` is done along with it. */
  start(intervalMs: number, alsoThen: () => Promise<void>): void {
    this.looking = this.look(intervalMs, alsoThen);
  }

  /** Gives every partition up; `revoked` hears of it unless the member is `gone` already. */
  async leave(): Promise<void> {
    this.ending.abort();
    await this.looking;
    const { membership } = this;
    this.membership = null;
    await membership?.leave();
  }

  private async look(intervalMs: number, alsoThen: () => Promise<void>): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        await this.joinNewTopics();
        await alsoThen();
        this.listener.looked(null);
      } catch (error) {
        this.listener.looked(error);
      }
      await this.ports.scheduler.sleep(intervalMs, signal);
    }
  }

  private async joinNewTopics(): Promise<void> {
    const { log } = this.ports;
    const topics = (await log.topics()).map(({ name }) => name);
    if (topics.every((name) => this.subscribed.has(name))) return;
    if (this.membership !== null) await this.membership.subscribe(topics);
    else this.membership = await log.join(this.group, topics, this.listener);
    this.subscribed = new Set(topics);
  }
}
