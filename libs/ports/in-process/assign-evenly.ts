import type { TopicPartition } from '../index.ts';

export interface Shares<Member> {
  /** The partitions of the topics that the member takes a share of. */
  wanted(member: Member): readonly TopicPartition[];
  /** Whether it has the partition now, by `topic/partition`. At most one member does. */
  owns(member: Member, key: string): boolean;
}

/**
 * Each partition to one of the members that want it, by `topic/partition`. Members differ by at most one partition where
 * their topics allow, and keep what they own as far as the shares stay even.
 */
export function assignEvenly<Member>(
  members: readonly Member[],
  { wanted, owns }: Shares<Member>,
): Map<Member, Map<string, TopicPartition>> {
  const target = new Map(members.map((member) => [member, new Map<string, TopicPartition>()]));
  const takers = new Map<string, { readonly partition: TopicPartition; readonly members: Member[] }>();
  for (const member of members) {
    for (const partition of wanted(member)) {
      const key = `${partition.topic}/${partition.partition}`;
      const entry = takers.get(key);
      if (entry === undefined) takers.set(key, { partition, members: [member] });
      else entry.members.push(member);
    }
  }
  const load = (member: Member) => target.get(member)!.size;
  const lightest = (candidates: readonly Member[]) => candidates.reduce((a, b) => (load(b) < load(a) ? b : a));

  const unowned: string[] = [];
  for (const [key, { partition, members: candidates }] of takers) {
    const owner = candidates.find((member) => owns(member, key));
    if (owner === undefined) unowned.push(key);
    else target.get(owner)!.set(key, partition);
  }
  for (const key of unowned) {
    const { partition, members: candidates } = takers.get(key)!;
    target.get(lightest(candidates))!.set(key, partition);
  }
  // Every move lowers the sum of squared loads, so this ends.
  for (let moved = true; moved;) {
    moved = false;
    for (const [key, { partition, members: candidates }] of takers) {
      const owner = candidates.find((member) => target.get(member)!.has(key))!;
      const taker = lightest(candidates);
      if (load(owner) - load(taker) < 2) continue;
      target.get(owner)!.delete(key);
      target.get(taker)!.set(key, partition);
      moved = true;
    }
  }
  return target;
}
