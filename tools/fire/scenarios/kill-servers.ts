import { setTimeout as sleep } from 'node:timers/promises';
import { seededChance } from '../../crash/chance.ts';
import type { TestbedServiceName } from '../../testbed/service-names.ts';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World } from '../../world/world.ts';

const AWAY_MS_MAX = 3_000;

/** A server dies at random moments, with everything it has not made durable, and comes back on its data. */
function killServer(name: string, service: TestbedServiceName, kills: number): Scenario {
  return {
    name,
    description: `kill -9 of ${name}, and its return after up to ${AWAY_MS_MAX / 1_000} s`,
    kills,
    async run(options) {
      const env: Readonly<Record<string, string>> = service === 'redis' ? { K2_DEDUP: 'redis' } : {};
      const world = await World.start({ env });
      try {
        const chance = seededChance(options.seed);
        const recording = await Recording.start(world, options);
        const recoveriesMs: number[] = [];
        for (let kill = 1; kill <= options.kills; kill++) {
          await sleep(chance() * 2_000);
          await world.bed.service(service).kill();
          await sleep(chance() * AWAY_MS_MAX);
          await world.bed.service(service).start();
          recoveriesMs.push(await world.untilNextCommit());
          options.say(`${kill} of ${options.kills} kills, back after ${Math.round(recoveriesMs.at(-1)!)} ms`);
        }
        const verdict = await recording.verdict();
        return { scenario: name, kills: options.kills, verdict, recoveriesMs, notes: [] };
      } finally {
        await world.close();
      }
    },
  };
}

export const killServers: readonly Scenario[] = [
  killServer('kafka', 'kafka', 5),
  killServer('postgres', 'postgres', 10),
  killServer('s3', 'minio', 10),
  killServer('redis', 'redis', 5),
];
