import { expect, it } from '@jest/globals';
import { isPortError, PortError } from '@k2/ports';
import { quoteBatch, tradeBatch } from '@k2/testing/builders';
import { FakeRegistry } from '../test-support/fake-registry.ts';
import type { KnownTopic } from '../topics/topic-table.ts';
import { TopicSchemas } from './topic-schemas.ts';

const topicOf = (name: string, framing: KnownTopic['framing']): KnownTopic => ({
  name,
  kafkaTopic: name,
  topicId: '',
  leaders: [1],
  framing,
});
const trades = { kind: 'ticks' as const, batch: tradeBatch({ firstSequence: 1, count: 1 }) };
const quotes = { kind: 'ticks' as const, batch: quoteBatch({ firstSequence: 1, count: 1 }) };
const rejections = { kind: 'rejections' as const, rejections: [] };

it('gives every payload the id of the schema that it is written with', async () => {
  const schemas = new TopicSchemas(new FakeRegistry());
  const block = topicOf('market.equities.trades.asx', 'block');
  const ids = [
    await schemas.idFor(block, trades),
    await schemas.idFor(topicOf('market.equities.trades.nzx', 'tick'), trades),
    await schemas.idFor(topicOf('market.equities.quotes.nzx', 'tick'), quotes),
  ];
  expect(new Set(ids).size).toBe(3);
  expect(await schemas.idFor(topicOf('audit.rejections', 'block'), rejections)).toBe(ids[0]);
});

it('refuses what the schema of a topic in tick framing has no form for', async () => {
  const schemas = new TopicSchemas(new FakeRegistry());
  const topic = topicOf('market.equities.trades.asx', 'tick');
  for (const payload of [quotes, rejections]) {
    const failure = await Promise.resolve()
      .then(() => schemas.idFor(topic, payload))
      .catch((error: unknown) => error);
    expect(isPortError(failure, 'unavailable') && !failure.retryable).toBe(true);
  }
});

it('asks the registry again when it was away, and says that it may come back', async () => {
  const registry = new FakeRegistry();
  const schemas = new TopicSchemas(registry);
  const topic = topicOf('market.equities.trades.asx', 'block');
  registry.failure = new PortError('unavailable', 'away', {}, { retryable: true });
  await expect(schemas.idFor(topic, trades)).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
  registry.failure = new PortError('incompatible', 'no');
  await expect(schemas.idFor(topic, trades)).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  registry.failure = null;
  expect(await schemas.idFor(topic, trades)).toBeGreaterThan(0);
});
