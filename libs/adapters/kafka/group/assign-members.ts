import type { TopicPartition } from '@k2/ports';
import { assignEvenly } from '@k2/ports/in-process';
import type { TopicPartitions } from '../protocol/topic-requests.ts';
import type { Subscription } from './consumer-protocol.ts';

export interface JoinedMember {
  readonly memberId: string;
  readonly subscription: Subscription;
}

/**
 * What each member gets in this round (the cooperative protocol of KIP-429): its even share, but for what another member
 * still has. That is withheld; its owner gives it up and joins again, and the next round hands it on.
 */
export function assignMembers(
  members: readonly JoinedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartitions[]> {
  const inOrder = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const owners = ownersOf(inOrder);
  const target = assignEvenly(inOrder, {
    wanted: ({ subscription }) => subscription.topics.flatMap((topic) => partitionsOf(topic, partitionCounts)),
    owns: (member, key) => owners.get(key) === member,
  });
  return new Map(
    inOrder.map((member) => {
      const share = [...target.get(member)!].filter(([key]) => (owners.get(key) ?? member) === member);
      return [member.memberId, byTopic(share.map(([, partition]) => partition))];
    }),
  );
}

export function byTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
}

export function flattened(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}

/** Of two members that say they have a partition, the one that was in the group later is right. */
function ownersOf(members: readonly JoinedMember[]): ReadonlyMap<string, JoinedMember> {
  const owners = new Map<string, JoinedMember>();
  for (const member of members) {
    for (const { topic, partition } of flattened(member.subscription.owned)) {
      const key = `${topic}/${partition}`;
      const other = owners.get(key);
      if (other === undefined || other.subscription.generationId < member.subscription.generationId) {
        owners.set(key, member);
      }
    }
  }
  return owners;
}

function partitionsOf(topic: string, counts: ReadonlyMap<string, number>): TopicPartition[] {
  return Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition }));
}
