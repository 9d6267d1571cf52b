import { setTimeout as sleep } from 'node:timers/promises';
import { seededChance } from '../../crash/chance.ts';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

/** Sinks die at random moments, sometimes both at once, sometimes while they start. */
export const killSinks: Scenario = {
  name: 'sinks',
  description: 'kill -9 of either sink, or both, at random moments',
  kills: 200,
  async run(options) {
    const world = await World.start();
    try {
      const chance = seededChance(options.seed);
      const recording = await Recording.start(world, options);
      const recoveriesMs: number[] = [];
      for (let kill = 0; kill < options.kills;) {
        const both = chance() < 0.1 && kill + 2 <= options.kills;
        const victims = both ? [0, 1] : [Math.floor(chance() * 2)];
        await Promise.all(victims.map((index) => recording.replaceSink(index)));
        kill += victims.length;
        // Some kills hit a sink that still starts; after every fifth and the last the world is left alone until it commits.
        const isMeasured = kill % 5 < victims.length || kill >= options.kills;
        if (isMeasured) recoveriesMs.push(await world.untilNextCommit());
        else await sleep(100 + chance() * 1_400);
        if (kill % 20 < victims.length) options.say(`${kill} of ${options.kills} kills`);
      }
      return { scenario: this.name, kills: options.kills, verdict: await recording.verdict(), recoveriesMs, notes: [] };
    } finally {
      await world.close();
    }
  },
};
