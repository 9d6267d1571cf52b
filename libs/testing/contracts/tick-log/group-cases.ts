import { expect, it } from '@jest/globals';
import { at, readAll, trades, RecordingMember, type TickLogBench } from './bench.ts';

export function groupCases(bench: () => TickLogBench): void {
  it('gives a lone member everything, and takes it back when the member leaves', async () => {
    const { log, declare } = bench();
    const topic = await declare(3);
    const member = new RecordingMember();
    const membership = await log.join('g', [topic], member);
    await member.until(() => member.owned.size === 3);
    expect([...member.owned].sort()).toEqual([0, 1, 2].map((partition) => `${topic}/${partition}`));
    await membership.leave();
    expect(member.owned.size).toBe(0);
  });

  it('hands over only what its owner gave up, and leaves the rest alone', async () => {
    const { log, declare } = bench();
    const topic = await declare(4);
    const first = new RecordingMember();
    const second = new RecordingMember();
    const joined = await log.join('g', [topic], first);
    await first.until(() => first.owned.size === 4);

    let giveUp = () => {};
    first.handOver = new Promise((resolve) => (giveUp = resolve));
    const joinedToo = await log.join('g', [topic], second);
    await first.until(() => first.revocationCount === 1);
    // The log goes about its work; the second member still has nothing.
    await log.append(topic, trades());
    expect(
      await readAll(
        log,
        [0, 1, 2, 3].map((partition) => at(topic, 0, partition)),
      ),
    ).toHaveLength(1);
    expect(second.owned.size).toBe(0);
    expect(first.owned.size).toBe(4);

    giveUp();
    await second.until(() => second.owned.size === 2);
    expect(first.owned.size).toBe(2);
    expect(new Set([...first.owned, ...second.owned]).size).toBe(4);

    await joined.leave();
    await second.until(() => second.owned.size === 4);
    expect(second.revocationCount).toBe(0);
    await joinedToo.leave();
  });

  it('spreads topics evenly, also those declared later', async () => {
    const { log, declare, topicName, framing } = bench();
    const later = topicName();
    const topics = [await declare(2), await declare(1), later];
    const members = [new RecordingMember(), new RecordingMember(), new RecordingMember()];
    const memberships = [];
    for (const member of members) memberships.push(await log.join('g', topics, member));
    for (const member of members) await member.until(() => member.owned.size === 1);

    await log.declareTopic({ name: later, partitions: 6, framing });
    for (const member of members) await member.until(() => member.owned.size === 3);
    expect(new Set(members.flatMap(({ owned }) => [...owned])).size).toBe(9);
    for (const membership of memberships) await membership.leave();
  });

  it('gives a member its share of a further topic that it subscribes to, and leaves the rest alone', async () => {
    const { log, declare } = bench();
    const [shared, further] = [await declare(2), await declare(1)];
    const members = [new RecordingMember(), new RecordingMember()];
    const memberships = [];
    for (const member of members) memberships.push(await log.join('g', [shared], member));
    for (const member of members) await member.until(() => member.owned.size === 1);
    const revocations = members.map(({ revocationCount }) => revocationCount);

    await memberships[0].subscribe([shared, further]);
    await members[0].until(() => members[0].owned.size === 2);
    expect(members[0].owned).toContain(`${further}/0`);
    expect(members[1].owned.size).toBe(1);
    expect(members.map(({ revocationCount }) => revocationCount)).toEqual(revocations);

    await memberships[0].subscribe([further]);
    await members[1].until(() => members[1].owned.size === 2);
    expect([...members[0].owned]).toEqual([`${further}/0`]);
    for (const membership of memberships) await membership.leave();
  });

  it('keeps groups apart', async () => {
    const { log, declare } = bench();
    const topic = await declare(2);
    const members = [new RecordingMember(), new RecordingMember()];
    const memberships = await Promise.all(members.map((member, i) => log.join(`group-${i}`, [topic], member)));
    for (const member of members) await member.until(() => member.owned.size === 2);
    for (const membership of memberships) await membership.leave();
  });
}
