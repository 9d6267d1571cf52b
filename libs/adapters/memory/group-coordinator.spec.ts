import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AssignmentListener, TopicPartition } from '@k2/ports';
import { GroupCoordinator } from '@k2/ports/in-process';
import { ManualClock, ManualScheduler } from './manual-time.ts';

class Member implements AssignmentListener {
  readonly owned = new Set<number>();
  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    for (const { partition } of partitions) this.owned.add(partition);
  }
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    for (const { partition } of partitions) this.owned.delete(partition);
  }
}

describe('GroupCoordinator', () => {
  const world = (partitions: number) => {
    const scheduler = new ManualScheduler(new ManualClock());
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic: 't', partition }));
    return { scheduler, groups: new GroupCoordinator(scheduler, () => all) };
  };

  it('takes partitions from a member that does not give them up in time', async () => {
    const { scheduler, groups } = world(2);
    const stuck = new Member();
    stuck.revoked = () => new Promise(() => {});
    const next = new Member();
    groups.join('g', ['t'], stuck);
    await scheduler.yield();
    groups.join('g', ['t'], next);
    await scheduler.advance(29_999);
    expect(next.owned.size).toBe(0);
    await scheduler.advance(1);
    expect(next.owned.size).toBe(1);
    expect(scheduler.sleeperCount).toBe(0);
  });

  it('goes on when a member fails to give partitions up', async () => {
    const { scheduler, groups } = world(2);
    const failing = new Member();
    failing.revoked = () => Promise.reject(new Error('cannot let go'));
    const next = new Member();
    const membership = groups.join('g', ['t'], failing);
    groups.join('g', ['t'], next);
    await scheduler.yield();
    await membership.leave();
    await scheduler.yield();
    expect([...next.owned].sort()).toEqual([0, 1]);
  });

  it('puts a member out that fails to take partitions, gives them to others, and tells it when it leaves', async () => {
    const { scheduler, groups } = world(3);
    const failing = new Member();
    failing.assigned = () => Promise.reject(new Error('cannot start'));
    const membership = groups.join('g', ['t'], failing);
    const healthy = new Member();
    groups.join('g', ['t'], healthy);
    await scheduler.yield();
    expect([...healthy.owned].sort()).toEqual([0, 1, 2]);
    await expect(membership.leave()).rejects.toThrow('cannot start');
  });

  it('keeps every partition with exactly one member, evenly, whoever comes and goes', async () => {
    const moves = fc.array(fc.record({ joins: fc.boolean(), who: fc.nat(5) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), moves, async (partitions, steps) => {
        const { scheduler, groups } = world(partitions);
        const members = new Map<number, { readonly member: Member; leave(): Promise<void> }>();
        for (const { joins, who } of steps) {
          const present = members.get(who);
          if (joins && present === undefined) {
            const member = new Member();
            members.set(who, { member, ...groups.join('g', ['t'], member) });
          } else if (!joins && present !== undefined) {
            members.delete(who);
            await present.leave();
            expect(present.member.owned.size).toBe(0);
          }
          await scheduler.yield();
          const shares = [...members.values()].map(({ member }) => [...member.owned]);
          const owned = shares.flat().sort((a, b) => a - b);
          expect(owned).toEqual(members.size === 0 ? [] : Array.from({ length: partitions }, (_, i) => i));
          const sizes = shares.map((share) => share.length);
          if (sizes.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 60 },
    );
  });
});
