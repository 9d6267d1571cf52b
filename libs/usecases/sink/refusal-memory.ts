import { fnv1a64 } from '@k2/domain/lake';
import type { StateMove, StoredState, TickStore, TopicPartition } from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import { wasOf, type StateChanges } from './stored-states.ts';

/** Of the keys under which the store keeps what was refused. */
const REFUSED_PREFIX = 'refused/';

/** Rows that the ids of a partition are spread over; part of the stored form. */
const BUCKETS = 1_024;

/** The ids of a bucket, as of the last row taken. */
interface Bucket {
  readonly owner: string;
  readonly partition: TopicPartition;
  /** Oldest first. */
  readonly ids: readonly string[];
  readonly was: StateMove['was'];
  isTaken: boolean;
  isCommitted: boolean;
}

/**
 * What was refused, so that the same thing refused again is one entry of the quarantine. That a crash makes nothing come
 * again is the commit's doing, which moves rows and offsets together; what does come again is what a feed sends twice: an
 * append whose answer was lost, a file loaded anew. Of each partition the last `idsMax` ids are known, about, in no more
 * than `BUCKETS` states; beyond that the oldest of a bucket goes, and would be quarantined once more.
 */
export class RefusalMemory {
  private readonly store: TickStore;
  private readonly idsOfBucketMax: number;
  /** By key: those with ids that are not committed. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(store: TickStore, idsMax: number) {
    this.store = store;
    this.idsOfBucketMax = Math.max(1, Math.ceil(idsMax / BUCKETS));
  }

  /** Those of the ids that are not known; from now on they are. */
  async add(partition: TopicPartition, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const owner = partitionName(partition);
    const idsOf = Map.groupBy(new Set(ids), bucketOf);
    const keys = [...idsOf.keys()].flatMap((bucket) => keysOf(partition, bucket));
    // A commit that lands while the store answers is not in its answer.
    const before = new Map(keys.map((key) => [key, this.buckets.get(key)]));
    const stored = await this.store.state(keys);
    const latest = (key: string): Bucket | undefined => {
      const asked = before.get(key);
      return this.buckets.get(key) ?? (asked?.isCommitted ? asked : undefined);
    };
    const idsAt = (key: string): readonly string[] => latest(key)?.ids ?? parsed(stored.get(key));
    const fresh = new Set<string>();
    for (const [bucket, ofBucket] of idsOf) {
      const known = new Set(keysOf(partition, bucket).flatMap(idsAt));
      const added = ofBucket.filter((id) => !known.has(id));
      if (added.length === 0) continue;
      for (const id of added) fresh.add(id);
      const [key] = keysOf(partition, bucket);
      const last = latest(key);
      const was = last === undefined ? wasOf(stored.get(key), owner) : last.isTaken ? 'own' : last.was;
      const kept = [...idsAt(key), ...added].slice(-this.idsOfBucketMax);
      this.buckets.set(key, { owner, partition, ids: kept, was, isTaken: false, isCommitted: false });
    }
    return fresh;
  }

  /** Drops what the rows of an owner added. Only while no commit is under way. */
  forget(owner: string): void {
    for (const [key, bucket] of this.buckets) if (bucket.owner === owner) this.buckets.delete(key);
  }

  /** What changed since the last call, by owner. */
  takeChanges(): ReadonlyMap<string, StateChanges> {
    const taken = [...this.buckets].filter(([, bucket]) => !bucket.isTaken);
    for (const [, bucket] of taken) bucket.isTaken = true;
    const changesOf = new Map<string, StateChanges>();
    for (const [owner, buckets] of Map.groupBy(taken, ([, bucket]) => bucket.owner)) {
      const moves = buckets.map(([key, { ids, partition, was }]): [string, StateMove] => {
        return [key, { value: JSON.stringify(ids), owner: partition, was }];
      });
      changesOf.set(owner, { changes: new Map(moves), committed: () => this.settle(buckets) });
    }
    return changesOf;
  }

  private settle(buckets: readonly [string, Bucket][]): void {
    for (const [key, bucket] of buckets) {
      bucket.isCommitted = true;
      if (this.buckets.get(key) === bucket) this.buckets.delete(key);
    }
  }
}

function parsed(stored: StoredState | undefined): readonly string[] {
  return stored === undefined ? [] : (JSON.parse(stored.value) as readonly string[]);
}

function bucketOf(id: string): number {
  return Number.parseInt(fnv1a64(new TextEncoder().encode(id)).slice(-4), 16) % BUCKETS;
}

/** The bucket's own key, and those of partitions that its ids may have been in before the topic had this one. */
function keysOf({ topic, partition }: TopicPartition, bucket: number): readonly [string, ...string[]] {
  const keyOf = (of: number) => `${REFUSED_PREFIX}${partitionName({ topic, partition: of })}/${bucket}`;
  return [keyOf(partition), ...Array.from({ length: partition }, (_, of) => keyOf(of))];
}
