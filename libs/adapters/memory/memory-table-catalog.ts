import {
  PortError,
  type CatalogChange,
  type PartitionClaim,
  type PartitionProgress,
  type StoredState,
  type TableCatalog,
  type TopicPartition,
} from '@k2/ports';
import { MemoryStates } from './memory-states.ts';

/** Changes remembered at least. */
const CHANGES_KEPT = 1_000;

/** A TableCatalog for tests and simulation. Applying a change id a second time does nothing. */
export class MemoryTableCatalog implements TableCatalog {
  private readonly locations = new Map<string, string>();
  private readonly claims = new Map<string, PartitionClaim & { readonly writer: string }>();
  private readonly states = new MemoryStates();
  private readonly changes = new Set<string>();
  private lastCommit: number | null = null;

  async tables(): Promise<ReadonlyMap<string, string>> {
    return new Map(this.locations);
  }

  async metadataLocation(table: string): Promise<string | null> {
    return this.locations.get(table) ?? null;
  }

  async lastCommitUs(): Promise<number | null> {
    return this.lastCommit;
  }

  /** Checks everything, then changes everything, in one turn of the event loop: claims first, as a fenced writer must stop. */
  async apply({ changeId, committedUs, tables, progress, state }: CatalogChange): Promise<void> {
    if (this.changes.has(changeId)) return;
    for (const { claim, nextOffset } of progress) this.assertClaimHolds(claim, nextOffset);
    for (const { table, expected } of tables) this.assertPointer(table, expected);
    this.states.check({ progress, state });
    this.assertLater(committedUs);

    for (const { claim, nextOffset } of progress) {
      const key = keyOf(claim);
      this.claims.set(key, { ...this.claims.get(key)!, nextOffset });
    }
    for (const { table, next } of tables) this.locations.set(table, next);
    this.states.move(state);
    this.lastCommit = committedUs;
    this.changes.add(changeId);
    if (this.changes.size > CHANGES_KEPT) this.changes.delete(this.changes.keys().next().value!);
  }

  async committed(changeId: string): Promise<boolean> {
    return this.changes.has(changeId);
  }

  async claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    for (const partition of partitions) this.assertSameTopic(partition);
    return partitions.map(({ topic, partition, topicId }) => {
      const key = keyOf({ topic, partition });
      const stored = this.claims.get(key);
      const claim = { topic, partition, topicId, nextOffset: stored?.nextOffset ?? 0, epoch: (stored?.epoch ?? 0) + 1 };
      this.claims.set(key, { ...claim, writer });
      return claim;
    });
  }

  async progress(): Promise<readonly PartitionProgress[]> {
    return [...this.claims.values()].map(({ topic, partition, topicId, nextOffset }) => ({
      topic,
      partition,
      topicId,
      nextOffset,
    }));
  }

  async state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return this.states.of(keys);
  }

  async close(): Promise<void> {}

  private assertPointer(table: string, expected: string | null): void {
    const current = this.locations.get(table) ?? null;
    if (current === expected) return;
    const message = `table ${table} is at ${current ?? 'no metadata'}, not at the expected ${expected ?? 'no metadata'}: re-base and try again`;
    throw new PortError('commit-conflict', message, { table, expected, current }, { retryable: true });
  }

  private assertLater(committedUs: number): void {
    const lastCommitUs = this.lastCommit;
    if (lastCommitUs === null || committedUs > lastCommitUs) return;
    const message = `a commit of ${committedUs} µs came after one of ${lastCommitUs} µs: take a later time and try again`;
    throw new PortError('commit-conflict', message, { committedUs, lastCommitUs }, { retryable: true });
  }

  private assertClaimHolds(claim: PartitionClaim, nextOffset: number): void {
    const key = keyOf(claim);
    const stored = this.claims.get(key);
    if (stored !== undefined && stored.epoch !== claim.epoch) {
      const message = `${key}: epoch ${claim.epoch} was ended by epoch ${stored.epoch} of ${stored.writer}: stop writing`;
      throw new PortError('fenced', message, { ...claim, storedEpoch: stored.epoch });
    }
    if (stored?.topicId !== claim.topicId || stored.nextOffset !== claim.nextOffset || nextOffset < claim.nextOffset) {
      const found = stored === undefined ? 'nothing' : `offset ${stored.nextOffset} of topic id ${stored.topicId}`;
      const message = `${key}: cannot go from offset ${claim.nextOffset} of topic id ${claim.topicId} to ${nextOffset}: found ${found}`;
      throw new PortError('progress-mismatch', message, { ...claim, stored, refusedOffset: nextOffset });
    }
  }

  /** Offsets of a recreated topic start again: taken for the old ones, everything new would seem committed already. */
  private assertSameTopic(claimed: TopicPartition & { readonly topicId: string }): void {
    const stored = this.claims.get(keyOf(claimed));
    if (stored === undefined || stored.topicId === claimed.topicId || stored.nextOffset === 0) return;
    throw new PortError(
      'progress-mismatch',
      `${keyOf(claimed)}: offset ${stored.nextOffset} is recorded for topic id ${stored.topicId}, but the topic's id is ${claimed.topicId}: it was recreated`,
      { ...claimed, storedTopicId: stored.topicId, nextOffset: stored.nextOffset },
    );
  }
}

const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
