import {
  PortError,
  type CatalogChange,
  type PartitionClaim,
  type PartitionProgress,
  type StoredState,
  type TableCatalog,
  type TopicPartition,
} from '@k2/ports';
import { assertOwnersMove, assertStateIsAsRead } from '@k2/ports/in-process';

/** A catalog in memory, which tests can make lose its replies. */
export class FakeCatalog implements TableCatalog {
  private readonly locations = new Map<string, string>();
  private readonly claims = new Map<string, PartitionClaim>();
  private readonly states = new Map<string, StoredState>();
  private readonly changeIds = new Set<string>();
  /** Called with each change instead of applying it; `apply` applies it. */
  intercept: ((change: CatalogChange, apply: () => void) => void | Promise<void>) | null = null;
  applied = 0;
  private lastCommit: number | null = null;

  async tables(): Promise<ReadonlyMap<string, string>> {
    return new Map(this.locations);
  }

  /** As another engine drops a table. */
  forget(table: string): void {
    this.locations.delete(table);
  }

  async metadataLocation(table: string): Promise<string | null> {
    return this.locations.get(table) ?? null;
  }

  /** A commit of another engine, which knows of nothing but the pointer. */
  applyForeign(table: string, next: string): void {
    this.locations.set(table, next);
  }

  async lastCommitUs(): Promise<number | null> {
    return this.lastCommit;
  }

  async apply(change: CatalogChange): Promise<void> {
    const apply = () => this.applyNow(change);
    if (this.intercept === null) apply();
    else await this.intercept(change, apply);
  }

  private applyNow(change: CatalogChange): void {
    for (const { claim, nextOffset } of change.progress) {
      const held = this.claims.get(keyOf(claim));
      if (held !== undefined && held.epoch > claim.epoch)
        throw new PortError('fenced', `${keyOf(claim)} was claimed by another writer`);
      const fits =
        held?.topicId === claim.topicId && held.nextOffset === claim.nextOffset && nextOffset >= claim.nextOffset;
      if (!fits) throw new PortError('progress-mismatch', `${keyOf(claim)} is not at ${claim.nextOffset}`);
    }
    for (const { table, expected } of change.tables) {
      if ((this.locations.get(table) ?? null) !== expected)
        throw new PortError('commit-conflict', `${table} has moved`, {}, { retryable: true });
    }
    assertOwnersMove(change);
    for (const [key, move] of change.state) assertStateIsAsRead(key, move, this.states.get(key));
    if (this.lastCommit !== null && change.committedUs <= this.lastCommit)
      throw new PortError('commit-conflict', `a commit of ${this.lastCommit} µs came first`, {}, { retryable: true });
    this.lastCommit = change.committedUs;
    for (const { table, next } of change.tables) this.locations.set(table, next);
    for (const { claim, nextOffset } of change.progress) this.claims.set(keyOf(claim), { ...claim, nextOffset });
    for (const [key, { value, owner }] of change.state) {
      if (value === null) this.states.delete(key);
      else this.states.set(key, { value, owner });
    }
    this.changeIds.add(change.changeId);
    this.applied++;
  }

  async committed(changeId: string): Promise<boolean> {
    return this.changeIds.has(changeId);
  }

  async claim(
    _: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    return partitions.map(({ topic, partition, topicId }) => {
      const held = this.claims.get(keyOf({ topic, partition }));
      if (held !== undefined && held.topicId !== topicId && held.nextOffset > 0) {
        throw new PortError('progress-mismatch', `${topic} was created again`);
      }
      const claim = { topic, partition, topicId, nextOffset: held?.nextOffset ?? 0, epoch: (held?.epoch ?? 0) + 1 };
      this.claims.set(keyOf(claim), claim);
      return claim;
    });
  }

  async progress(): Promise<readonly PartitionProgress[]> {
    return Array.from(this.claims.values(), ({ epoch: _, ...progress }) => progress);
  }

  async state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return new Map(keys.flatMap((key) => (this.states.has(key) ? [[key, this.states.get(key)!] as const] : [])));
  }

  async close(): Promise<void> {}
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
