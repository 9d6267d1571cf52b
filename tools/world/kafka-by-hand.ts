import kafkajs, { type Admin, type Producer } from 'kafkajs';
import type { World } from './world.ts';

/** Kafka as its operators and other programs use it, past K2. */
export async function byHand<Result>(
  world: World,
  work: (kafka: { readonly admin: Admin; readonly producer: Producer }) => Promise<Result>,
): Promise<Result> {
  const brokers = world.env['K2_KAFKA_BROKERS'].split(',');
  const kafka = new kafkajs.Kafka({ clientId: 'k2-by-hand', brokers, logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    return await work({ admin, producer });
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}
