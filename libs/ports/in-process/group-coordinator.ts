import type { AssignmentListener, Membership, Scheduler, TopicPartition } from '../index.ts';
import { assignEvenly } from './assign-evenly.ts';

interface Member {
  topics: ReadonlySet<string>;
  readonly listener: AssignmentListener;
  readonly owned: Map<string, TopicPartition>;
  /** Why it was put out of the group. */
  failure: unknown;
}

/** How long a member may take to give partitions up; then the next one gets them all the same. */
const HAND_OVER_WAIT_MS = 30_000;

/**
 * Groups within one process: each partition of a group's topics belongs to exactly one member, members differ by at
 * most one partition where their topics allow, and as few partitions as possible move. A partition changes hands only
 * after `revoked` of its owner resolved. An owner that rejects or takes longer than 30 s loses the partition anyway:
 * its writes are fenced by the claim of the next owner. A member whose `assigned` rejects is put out of the group, and
 * its `leave` rejects with the reason.
 */
export class GroupCoordinator {
  private readonly scheduler: Scheduler;
  private readonly partitionsOf: (topics: ReadonlySet<string>) => readonly TopicPartition[];
  private readonly groups = new Map<string, Group>();

  constructor(scheduler: Scheduler, partitionsOf: (topics: ReadonlySet<string>) => readonly TopicPartition[]) {
    this.scheduler = scheduler;
    this.partitionsOf = partitionsOf;
  }

  /** Resolves at once; the listener hears of the partitions as soon as their owners gave them up. */
  join(name: string, topics: readonly string[], listener: AssignmentListener): Membership {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = new Group(this.scheduler, this.partitionsOf);
      this.groups.set(name, group);
    }
    const joined = group;
    const member: Member = { topics: new Set(topics), listener, owned: new Map(), failure: undefined };
    joined.members.add(member);
    void joined.rebalance();
    return {
      subscribe: async (wanted) => {
        member.topics = new Set(wanted);
        void joined.rebalance();
      },
      leave: async () => {
        if (joined.members.delete(member)) await joined.rebalance(member);
        if (joined.members.size === 0 && this.groups.get(name) === joined) this.groups.delete(name);
        if (member.failure !== undefined) throw member.failure;
      },
    };
  }

  /** To be called when topics or partitions were added. */
  topicsChanged(): void {
    for (const group of this.groups.values()) void group.rebalance();
  }

  /** Forgets every group without a word to its members. */
  close(): void {
    for (const group of this.groups.values()) group.members.clear();
    this.groups.clear();
  }
}

class Group {
  readonly members = new Set<Member>();
  private readonly scheduler: Scheduler;
  private readonly partitionsOf: (topics: ReadonlySet<string>) => readonly TopicPartition[];
  private readonly leaving = new Set<Member>();
  private stale = false;
  private running: Promise<void> | null = null;

  constructor(scheduler: Scheduler, partitionsOf: (topics: ReadonlySet<string>) => readonly TopicPartition[]) {
    this.scheduler = scheduler;
    this.partitionsOf = partitionsOf;
  }

  /** Rounds of hand-overs until owners are what members and topics ask for; never two rounds at once. */
  rebalance(leaving?: Member): Promise<void> {
    if (leaving !== undefined) this.leaving.add(leaving);
    this.stale = true;
    this.running ??= this.runRounds().finally(() => (this.running = null));
    return this.running;
  }

  private async runRounds(): Promise<void> {
    while (this.stale) {
      // Members that join in one turn of the event loop share a round.
      await Promise.resolve();
      this.stale = false;
      await this.round();
    }
  }

  private async round(): Promise<void> {
    const left = [...this.leaving];
    this.leaving.clear();
    const members = [...this.members];
    const target = assignEvenly(members, {
      wanted: (member) => this.partitionsOf(member.topics),
      owns: (member, key) => member.owned.has(key),
    });
    await Promise.all([...members, ...left].map((member) => this.revoke(member, target.get(member) ?? new Map())));
    await Promise.all(members.map((member) => this.give(member, target.get(member)!)));
  }

  private async revoke(member: Member, keeps: ReadonlyMap<string, TopicPartition>): Promise<void> {
    const lost = [...member.owned].filter(([key]) => !keeps.has(key));
    if (lost.length === 0) return;
    const handedOver = new AbortController();
    const revoked = call(() => member.listener.revoked(lost.map(([, partition]) => partition)));
    await Promise.race([revoked.catch(() => undefined), this.scheduler.sleep(HAND_OVER_WAIT_MS, handedOver.signal)]);
    handedOver.abort();
    for (const [key] of lost) member.owned.delete(key);
  }

  private async give(member: Member, target: ReadonlyMap<string, TopicPartition>): Promise<void> {
    const won = [...target].filter(([key]) => !member.owned.has(key));
    if (won.length === 0 || !this.members.has(member)) return;
    for (const [key, partition] of won) member.owned.set(key, partition);
    const handedOver = new AbortController();
    const assigned = call(() => member.listener.assigned(won.map(([, partition]) => partition)));
    const putOut = assigned.catch((failure: unknown) => {
      member.failure = failure;
      if (!this.members.delete(member)) return;
      this.leaving.add(member);
      this.stale = true;
      void this.rebalance();
    });
    await Promise.race([putOut, this.scheduler.sleep(HAND_OVER_WAIT_MS, handedOver.signal)]);
    handedOver.abort();
  }
}

/** A listener that throws at once is one that rejects. */
async function call(listener: () => Promise<void>): Promise<void> {
  await listener();
}
