import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTopicRules, type Framing, type TopicRules } from '@k2/domain/wire';
import { progressOn } from '../../testbed/progress.ts';
import { World } from '../../world/world.ts';
import { scratchDirectory } from '../scratch.ts';

export const progress = progressOn();

/** Real servers of its own for one benchmark, which end with it, however it ends. */
export interface BenchWorld {
  readonly world: World;
  readonly framing: Framing;
  readonly rules: TopicRules;
}

/** K2's own topic rules, but for the framing. */
export async function withWorld(framing: Framing, work: (bench: BenchWorld) => Promise<void>): Promise<void> {
  const rules = {
    rules: [
      { topics: 'market.*.quotes.*', framing },
      { topics: 'market.*.trades.*', framing },
    ],
  };
  const topicsFile = join(scratchDirectory(), 'topics.json');
  writeFileSync(topicsFile, JSON.stringify(rules));
  progress.say(`${framing} framing: starting the servers`);
  const env = { K2_TOPICS_FILE: topicsFile, K2_KAFKA_SESSION_TIMEOUT_MS: '10000' };
  const world = await World.start({ env, progress });
  const stop = () => void world.close().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  process.once('disconnect', stop);
  // To listen for the end of whoever started us is no reason to live on.
  process.channel?.unref();
  try {
    await work({ world, framing, rules: parseTopicRules(rules) });
  } finally {
    for (const signal of signals) process.off(signal, stop);
    process.off('disconnect', stop);
    await world.close();
  }
}
