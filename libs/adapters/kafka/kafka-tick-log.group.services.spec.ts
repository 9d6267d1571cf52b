import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { isPortError } from '@k2/ports';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import { FaultProxy } from './test-support/fault-proxy.ts';
import { Member } from './test-support/recording-member.ts';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { at, until } from './test-support/ticks.ts';

const [broker] = service('kafka').brokers;
const trades = { kind: 'ticks' as const, batch: tradeBatch({ series: { symbol: 'BHP' }, firstSequence: 1, count: 3 }) };

/** Members of one group in logs of their own, as in processes of their own. */
describe('a group of several logs', () => {
  let kafka: TestKafka;
  beforeEach(() => {
    kafka = new TestKafka([broker]);
  });
  afterEach(() => kafka.close());

  async function declared(partitions: number): Promise<void> {
    const log = await kafka.open();
    await log.declareTopic({ name: TOPIC, partitions, framing: 'block' });
  }

  it('hands over in two steps: nobody gets what another has not given up, and heartbeats go on meanwhile', async () => {
    await declared(4);
    const tuning = { sessionTimeoutMs: 6_000 };
    const [first, second] = [new Member(), new Member()];
    const one = await kafka.open({ tuning });
    const joined = await one.join('g', [TOPIC], first);
    await until(() => first.owned.size === 4);
    let giveUp = () => {};
    first.handOver = new Promise((resolve) => (giveUp = resolve));
    const other = await kafka.open({ tuning });
    const joinedToo = await other.join('g', [TOPIC], second);
    await until(() => first.revocations === 1);
    // Longer than the session: a member that only gives up slowly is not put out.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect(second.owned.size).toBe(0);
    expect(first.owned.size).toBe(4);
    giveUp();
    await until(() => second.owned.size === 2);
    expect(first.owned.size).toBe(2);
    expect(new Set([...first.owned, ...second.owned]).size).toBe(4);
    await joined.leave();
    await until(() => second.owned.size === 4);
    expect(second.revocations).toBe(0);
    await joinedToo.leave();
  });

  it('is shown by the tools of Kafka, and how far it is', async () => {
    await declared(2);
    const log = await kafka.open();
    const member = new Member();
    const membership = await log.join('g', [TOPIC], member);
    await until(() => member.owned.size === 2);
    const { records } = await log.append(TOPIC, trades);
    const { partition } = records[0].topicPartition;
    await log.trim([at(TOPIC, 1, partition)]);
    const admin = await kafka.admin();
    const groupId = kafka.nameInKafka('g');
    await until(async () => {
      const [committed] = await admin.fetchOffsets({ groupId, topics: [kafka.nameInKafka(TOPIC)] });
      return committed.partitions.find((of) => of.partition === partition)?.offset === '1';
    });
    const [described] = (await admin.describeGroups([groupId])).groups;
    expect(described).toMatchObject({ state: 'Stable', protocolType: 'consumer', protocol: 'k2-cooperative' });
    const { memberAssignment, memberMetadata } = described.members[0];
    const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
    expect(MemberAssignment.decode(memberAssignment)!.assignment).toEqual({ [kafka.nameInKafka(TOPIC)]: [0, 1] });
    expect(MemberMetadata.decode(memberMetadata)!.topics).toEqual([kafka.nameInKafka(TOPIC)]);
    await membership.leave();
    await until(async () => (await admin.describeGroups([groupId])).groups[0].members.length === 0);
  });

  it('hears of topics and partitions that other processes declare', async () => {
    await declared(1);
    const later = 'market.equities.quotes.asx';
    const member = new Member();
    const log = await kafka.open();
    await log.join('g', [TOPIC, later], member);
    await until(() => member.owned.size === 1);
    const other = await kafka.open();
    await other.declareTopic({ name: later, partitions: 2, framing: 'block' });
    await until(() => member.owned.size === 3);
    await other.declareTopic({ name: TOPIC, partitions: 3, framing: 'block' });
    await until(() => member.owned.size === 5);
    expect(member.revocations).toBe(0);
  });

  it('gives what a frozen member has to another; thawed, the member loses all and joins again', async () => {
    await declared(2);
    const proxy = await FaultProxy.before(broker);
    const tuning = { sessionTimeoutMs: 6_000, requestTimeoutMs: 2_000 };
    const [frozen, other] = [new Member(), new Member()];
    const cutOff = await kafka.open({ brokers: [proxy.address], tuning });
    await cutOff.join('g', [TOPIC], frozen);
    await until(() => frozen.owned.size === 2);
    const log = await kafka.open({ tuning });
    await log.join('g', [TOPIC], other);
    await until(() => other.owned.size === 1 && frozen.owned.size === 1);
    proxy.freeze();
    await until(() => other.owned.size === 2);
    // It does not know yet; the store's claims keep it from doing harm.
    expect(frozen.owned.size).toBe(1);
    const revocations = frozen.revocations;
    proxy.thaw();
    await until(() => frozen.revocations > revocations && frozen.owned.size === 1 && other.owned.size === 1);
    expect(new Set([...frozen.owned, ...other.owned]).size).toBe(2);
    await kafka.closeLogs();
    await proxy.close();
  });

  it('does not mix with consumers of another kind', async () => {
    await declared(1);
    const consumer = kafka.client().consumer({ groupId: kafka.nameInKafka('g') });
    await consumer.connect();
    await consumer.subscribe({ topic: kafka.nameInKafka(TOPIC) });
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
    await consumer.run({ eachBatch: async () => {} });
    await joined;
    const messages: unknown[] = [];
    const telemetry = {
      counter: () => ({ add: () => {} }),
      histogram: () => ({ record: () => {} }),
      gauge: () => {},
      log: (_level: string, _message: string, fields: Readonly<Record<string, unknown>> = {}) =>
        void messages.push(fields.error),
    };
    const log = await kafka.open({ telemetry });
    const member = new Member();
    await log.join('g', [TOPIC], member);
    await until(() => messages.some((message) => String(message).includes("members that are not K2's")));
    expect(member.owned.size).toBe(0);
    // As soon as it is gone, the group is ours.
    await consumer.disconnect();
    await until(() => member.owned.size === 1);
  });

  it('refuses to be joined where its coordinator cannot be reached', async () => {
    await declared(1);
    const proxy = await FaultProxy.before(broker);
    const log = await kafka.open({ brokers: [proxy.address], tuning: { patienceMs: 300 } });
    await proxy.kill();
    const failure = await log.join('g', [TOPIC], new Member()).catch((error: unknown) => error);
    expect(isPortError(failure, 'unavailable') && failure.retryable).toBe(true);
  });
});
