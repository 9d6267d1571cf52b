import type { AssignmentListener, TopicPartition } from '@k2/ports';

/** Remembers what it owns, and gives partitions up when it is let. */
export class Member implements AssignmentListener {
  readonly owned = new Set<string>();
  /** What `revoked` waits for. */
  handOver: Promise<void> = Promise.resolve();
  /** How often something was taken away. */
  revocations = 0;

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) this.owned.add(`${partition.topic}/${partition.partition}`);
  }

  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.revocations++;
    await this.handOver;
    for (const partition of partitions) this.owned.delete(`${partition.topic}/${partition.partition}`);
  }
}
