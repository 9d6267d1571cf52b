import { setTimeout as sleep } from 'node:timers/promises';
import { seededChance } from '../../crash/chance.ts';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

const PARTITIONS = 3;

/** Two sinks come and go in good order, so that the partitions of each topic, which are odd, change hands again and again. */
export const rebalance: Scenario = {
  name: 'rebalance',
  description: 'two sinks join and leave (SIGTERM), three partitions a topic change hands',
  kills: 10,
  async run(options) {
    const world = await World.start({ partitions: PARTITIONS });
    try {
      const chance = seededChance(options.seed);
      const recording = await Recording.start(world, options);
      const recoveriesMs: number[] = [];
      const violations: string[] = [];
      for (let turn = 1; turn <= options.kills; turn++) {
        const index = turn % 2;
        const code = await recording.sinks[index].stop();
        if (code !== 0) violations.push(`a sink that was told to stop ended with ${code}`);
        await sleep(chance() * 1_500);
        recording.sinks[index] = recording.launchSink(index);
        recoveriesMs.push(await world.untilNextCommit());
        await sleep(chance() * 1_500);
        options.say(`hand-over ${turn} of ${options.kills}`);
      }
      const verdict = await recording.verdict();
      const all = [...verdict.violations, ...violations];
      return {
        scenario: this.name,
        kills: options.kills,
        verdict: { ...verdict, violations: all },
        recoveriesMs,
        notes: [],
      };
    } finally {
      await world.close();
    }
  },
};
