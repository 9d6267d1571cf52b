import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assignMembers, byTopic, flattened } from './assign-members.ts';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts';

const keyOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) => `${topic}/${partition}`;

it('what members tell each other survives the wire', () => {
  const partitions = fc.array(
    fc.record({ topic: fc.string({ minLength: 1 }), partitions: fc.array(fc.nat({ max: 1_000 })) }),
  );
  fc.assert(
    fc.property(fc.array(fc.string()), partitions, fc.integer({ min: -1, max: 1e9 }), (topics, owned, generationId) => {
      const subscription = { topics, owned, generationId };
      expect(decodeSubscription(Buffer.from(encodeSubscription(subscription)))).toEqual(subscription);
      expect(decodeAssignment(Buffer.from(encodeAssignment(owned)))).toEqual(owned);
    }),
  );
});

it('hands partitions over without ever giving one to two, and comes to rest evenly', () => {
  const TOPICS = ['a', 'b', 'c'];
  const member = fc.subarray(TOPICS, { minLength: 1 });
  const history = fc.array(fc.array(member, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  const counts = fc.record({ a: fc.nat({ max: 7 }), b: fc.nat({ max: 7 }), c: fc.nat({ max: 7 }) });
  fc.assert(
    fc.property(history, counts, (memberships, partitionCounts) => {
      const table = new Map(Object.entries(partitionCounts));
      let owned = new Map<string, readonly { topic: string; partition: number }[]>();
      for (const topicsOfMembers of memberships) {
        const ids = topicsOfMembers.map((_, i) => `m${i}`);
        owned = new Map(ids.map((id) => [id, owned.get(id) ?? []]));
        for (let round = 0, isSettled = false; !isSettled; round++) {
          expect(round).toBeLessThan(4);
          const joined = ids.map((memberId, i) => ({
            memberId,
            subscription: { topics: topicsOfMembers[i], owned: byTopic(owned.get(memberId)!), generationId: 1 },
          }));
          const shares = new Map([...assignMembers(joined, table)].map(([id, share]) => [id, flattened(share)]));
          isSettled = true;
          for (const id of ids) {
            const share = new Set(shares.get(id)!.map(keyOf));
            for (const other of ids) {
              // Nobody is given what another still has: it may be writing it.
              if (other !== id) expect(owned.get(other)!.filter((of) => share.has(keyOf(of)))).toEqual([]);
            }
            const kept = owned.get(id)!.filter((of) => share.has(keyOf(of)));
            if (kept.length !== owned.get(id)!.length || share.size !== kept.length) isSettled = false;
          }
          owned = shares;
        }
        const all = [...owned.values()].flat().map(keyOf);
        const wanted = new Set(
          topicsOfMembers
            .flat()
            .flatMap((topic) => Array.from({ length: table.get(topic)! }, (_, p) => `${topic}/${p}`)),
        );
        expect(all.sort()).toEqual([...wanted].sort());
        const alike = ids.filter((_, i) => topicsOfMembers[i].length === TOPICS.length);
        const loads = alike.map((id) => owned.get(id)!.length);
        if (loads.length > 1) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it('believes of two members that claim a partition the one that was in the group later', () => {
  const claim = (memberId: string, generationId: number) => ({
    memberId,
    subscription: { topics: ['a'], owned: [{ topic: 'a', partitions: [0] }], generationId },
  });
  const shares = assignMembers([claim('m1', 3), claim('m2', 8)], new Map([['a', 1]]));
  expect(shares.get('m1')).toEqual([]);
  expect(shares.get('m2')).toEqual([{ topic: 'a', partitions: [0] }]);
});
