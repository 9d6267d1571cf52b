import { setTimeout as sleep } from 'node:timers/promises';
import { TcpFaultProxy } from '@k2/testing/faults';
import type { Scenario } from '../outcome.ts';
import { Recording } from '../recording.ts';
import { World, type Endpoints } from '../../world/world.ts';

/** What the network does between K2 and one server, one thing after the other. */
function badNetwork(
  name: string,
  request: string,
  through: (endpoints: Endpoints, port: number) => Endpoints,
  targetOf: (endpoints: Endpoints) => URL,
): Scenario {
  return {
    name,
    description: `replies lost after ${request.trim()}, resets, 5 s of latency, half-open connections`,
    kills: 5,
    async run(options) {
      let proxy!: TcpFaultProxy;
      const world = await World.start({
        endpoints: async (real) => {
          const { hostname, port } = targetOf(real);
          proxy = await TcpFaultProxy.listen({ host: hostname, port: Number(port) });
          return through(real, proxy.port);
        },
      });
      try {
        const recording = await Recording.start(world, options);
        const recoveriesMs: number[] = [];
        let faults = 0;
        const committedAgain = async (what: string) => {
          recoveriesMs.push(await world.untilNextCommit());
          faults++;
          options.say(`${what}: commits again after ${Math.round(recoveriesMs.at(-1)!)} ms`);
        };
        for (let round = 0; round < options.kills; round++) {
          await proxy.loseReplies(request, { times: 3 });
          await committedAgain('three replies lost');
          proxy.reset();
          await committedAgain('connections reset');
          proxy.set({ kind: 'latency', ms: 5_000 });
          await sleep(6_000);
          proxy.set({ kind: 'none' });
          await committedAgain('5 s of latency');
          proxy.set({ kind: 'half-open' });
          await sleep(4_000);
          proxy.set({ kind: 'none' });
          proxy.reset();
          await committedAgain('half-open for 4 s');
        }
        const verdict = await recording.verdict();
        return { scenario: name, kills: faults, verdict, recoveriesMs, notes: [] };
      } finally {
        await world.close();
        await proxy.close();
      }
    },
  };
}

function withPort(url: string, port: number): string {
  const moved = new URL(url);
  moved.port = String(port);
  return moved.href.replace(/\/$/, '');
}

export const networks: readonly Scenario[] = [
  badNetwork(
    'network-postgres',
    'COMMIT',
    (real, port) => ({ ...real, postgres: { url: withPort(real.postgres.url, port) } }),
    ({ postgres }) => new URL(postgres.url),
  ),
  badNetwork(
    'network-s3',
    'PUT /',
    (real, port) => ({ ...real, s3: { ...real.s3, endpoint: withPort(real.s3.endpoint, port) } }),
    ({ s3 }) => new URL(s3.endpoint),
  ),
];
