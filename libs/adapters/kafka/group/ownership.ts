import type { AssignmentListener, Scheduler, TopicPartition } from '@k2/ports';

export interface OwnershipOptions {
  readonly scheduler: Scheduler;
  /** A listener that takes longer to give partitions up loses them all the same. */
  readonly handOverWaitMs: number;
  /** Partitions were given up that the group counts as ours: it has to hear of it. */
  readonly released: () => void;
  /** The listener did not take its partitions. */
  readonly refused: (failure: unknown) => void;
}

interface Held {
  readonly partition: TopicPartition;
  /** The group gave it to someone else without asking. */
  isLost: boolean;
}

/** Tells the listener of partitions won and lost, one call at a time, however often the group changes its mind. */
export class Ownership {
  private readonly listener: AssignmentListener;
  private readonly options: OwnershipOptions;
  private readonly held = new Map<string, Held>();
  private target = new Map<string, TopicPartition>();
  private turn: Promise<void> = Promise.resolve();
  private isOver = false;

  constructor(listener: AssignmentListener, options: OwnershipOptions) {
    this.listener = listener;
    this.options = options;
  }

  /** What the group has to leave to us: what the listener has or is about to get. */
  get claimed(): readonly TopicPartition[] {
    const kept = [...this.held]
      .filter(([, { isLost }]) => !isLost)
      .map(([key, { partition }]) => [key, partition] as const);
    return [...new Map([...kept, ...this.target]).values()];
  }

  holds(partition: TopicPartition): boolean {
    return this.held.get(keyOf(partition))?.isLost === false;
  }

  /** From now on these are ours. The listener gives up what is not among them, and only then gets what is new. */
  moveTo(partitions: readonly TopicPartition[]): void {
    if (this.isOver) return;
    const target = new Map(partitions.map((partition) => [keyOf(partition), partition]));
    // Partitions that were never announced need no revocation.
    const dropped = [...this.target.keys()].some((key) => !target.has(key) && !this.held.has(key));
    this.target = target;
    if (dropped) this.options.released();
    this.reconcile();
  }

  /** The group has put us out: nothing is ours any more. */
  loseAll(): void {
    for (const held of this.held.values()) held.isLost = true;
    this.target = new Map();
    this.reconcile();
  }

  /** Gives everything up; afterwards nothing is won any more. */
  async end(): Promise<void> {
    this.moveTo([]);
    this.isOver = true;
    await this.turn;
  }

  private reconcile(): void {
    this.turn = this.turn.then(() => this.step());
  }

  private async step(): Promise<void> {
    const lost = [...this.held].filter(([key, { isLost }]) => isLost || !this.target.has(key));
    if (lost.length > 0) {
      await this.bounded(() => this.listener.revoked(lost.map(([, { partition }]) => partition))).catch(
        () => undefined,
      );
      for (const [key] of lost) this.held.delete(key);
      if (lost.some(([, { isLost }]) => !isLost)) this.options.released();
    }
    const won = [...this.target].filter(([key]) => !this.held.has(key));
    if (won.length === 0) return;
    for (const [key, partition] of won) this.held.set(key, { partition, isLost: false });
    try {
      await this.bounded(() => this.listener.assigned(won.map(([, partition]) => partition)));
    } catch (failure) {
      for (const [key] of won) this.held.delete(key);
      this.options.refused(failure);
    }
  }

  private async bounded(call: () => Promise<void>): Promise<void> {
    const { scheduler, handOverWaitMs } = this.options;
    const done = new AbortController();
    try {
      // A listener that throws at once is one that rejects.
      await Promise.race([(async () => call())(), scheduler.sleep(handOverWaitMs, done.signal)]);
    } finally {
      done.abort();
    }
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
