/** Of every broker of the testbed, whichever way it is provided. */
export const oneBrokerProperties = {
  // One broker holds the only copy of everything.
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  // Fifty partitions of each would be loaded one after the other at each start.
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': false,
  // So that a test of retention does not wait for five minutes.
  'log.retention.check.interval.ms': 1_000,
  'log.initial.task.delay.ms': 1_000,
  // A broker that was killed may come back when the controller has given up the one before it.
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 3_000,
  // Sessions of tests last seconds.
  'group.min.session.timeout.ms': 1_000,
} as const;
