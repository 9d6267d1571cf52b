import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { service } from '@k2/testing/services';
import { KafkaCluster } from './kafkajs-cluster.ts';
import { findCoordinatorRequest, joinGroupRequest } from '../protocol/group-requests.ts';
import { KAFKA_ERRORS } from '../protocol/kafka-request.ts';
import { metadataRequest } from '../protocol/topic-requests.ts';
import { FaultProxy } from '../test-support/fault-proxy.ts';
import { TestKafka } from '../test-support/test-log.ts';
import { until } from '../test-support/ticks.ts';

/** What a new version of kafkajs may break: see the list in kafkajs-cluster.ts. */
describe('kafkajs as K2 uses it', () => {
  const [broker] = service('kafka').brokers;
  const kafka = new TestKafka([broker]);
  const options = { clientId: 'k2test', connectTimeoutMs: 5_000, requestTimeoutMs: 10_000 };
  let opened: KafkaCluster[];
  let proxy: FaultProxy;
  beforeEach(async () => {
    opened = [];
    proxy = await FaultProxy.before(broker);
  });
  afterEach(async () => {
    for (const cluster of opened) await cluster.close();
    await proxy.close();
    await kafka.close();
  });

  const open = (overrides: object = {}) => {
    const cluster = new KafkaCluster({ ...options, brokers: [broker], ...overrides }, () => {});
    opened.push(cluster);
    return cluster;
  };

  it('sends requests of versions that kafkajs does not know, and names topics by their ids', async () => {
    const admin = await kafka.admin();
    const name = kafka.nameInKafka('ids');
    const cluster = open();
    const ids: string[] = [];
    for (let time = 0; time < 2; time++) {
      await admin.createTopics({ topics: [{ topic: name, numPartitions: 3 }], waitForLeaders: true });
      const [topic] = await cluster.send(null, metadataRequest([name]));
      expect(topic.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
      ids.push(topic.topicId);
      await admin.deleteTopics({ topics: [name] });
      await until(async () => {
        const [gone] = await cluster.send(null, metadataRequest([name]));
        return gone.errorCode === KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION;
      });
    }
    expect(ids[0]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it('lets a request wait at the broker for as long as it may, and gives up a connection that is dead', async () => {
    const cluster = open({ brokers: [proxy.address], requestTimeoutMs: 300 });
    await cluster.send(null, metadataRequest([]));
    proxy.freeze();
    await expect(cluster.send(null, metadataRequest([]))).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
    });
    proxy.thaw();
    // Over a new connection.
    await until(() =>
      cluster.send(null, metadataRequest([])).then(
        () => true,
        () => false,
      ),
    );
    const patient = { ...metadataRequest([]), brokerWaitMs: 5_000 };
    proxy.freeze();
    const waiting = cluster.send(null, patient);
    await new Promise((resolve) => setTimeout(resolve, 600));
    proxy.thaw();
    await waiting;
  });

  it('does not spin, and prints no warning of a negative time-out', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.name);
    process.on('warning', listen);
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const cluster = open();
    for (let i = 0; i < 3; i++) await cluster.send(null, metadataRequest([]));
    // One that looks for requests which took too long; none that looks for requests that are not there.
    await until(() => timers() <= before + 1);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('opens one connection for requests that find it closed together', async () => {
    const cluster = open({ brokers: [proxy.address] });
    await cluster.send(null, metadataRequest([]));
    proxy.reset();
    await until(() =>
      Promise.all(Array.from({ length: 20 }, () => cluster.send(null, metadataRequest([])))).then(
        (answers) => answers.length === 20,
        () => false,
      ),
    );
  });

  it.each([1, 3, 4, 7, 8, 20])('forgets the %d bytes of an answer whose connection broke off', async (bytes) => {
    const cluster = open({ brokers: [proxy.address], requestTimeoutMs: 2_000 });
    await cluster.send(null, metadataRequest([]));
    proxy.cutNextAnswer(bytes);
    await expect(cluster.send(null, metadataRequest([]))).rejects.toMatchObject({ retryable: true });
    expect(await cluster.send(null, metadataRequest([]))).toEqual([]);
  });

  it('joins a group that a member is alone in, with an id that the broker gives', async () => {
    const cluster = open();
    const groupId = kafka.nameInKafka('group');
    const nodeId = await coordinatorOf(cluster, groupId);
    const join = (memberId: string) =>
      cluster.send(
        nodeId,
        joinGroupRequest({
          groupId,
          memberId,
          sessionTimeoutMs: 6_000,
          rebalanceTimeoutMs: 6_000,
          protocolName: 'p',
          metadata: Uint8Array.of(1, 2),
        }),
      );
    const first = await join('');
    expect(first.errorCode).toBe(KAFKA_ERRORS.MEMBER_ID_REQUIRED);
    const joined = await join(first.memberId);
    expect(joined).toMatchObject({ errorCode: KAFKA_ERRORS.NONE, leaderId: first.memberId });
    expect(joined.members).toEqual([{ memberId: first.memberId, metadata: Buffer.from([1, 2]) }]);
  });
});

async function coordinatorOf(cluster: KafkaCluster, groupId: string): Promise<number> {
  let found = -1;
  await until(async () => {
    const { errorCode, nodeId } = await cluster.send(null, findCoordinatorRequest(groupId));
    found = nodeId;
    return errorCode === KAFKA_ERRORS.NONE;
  });
  return found;
}
