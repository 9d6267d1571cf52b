import { resolve } from 'node:path';
import { AsxFeed } from '@k2/feed-asx';
import { parseSimulatorSpec, SimulatorFeed } from '@k2/feed-simulator';
import { PortError, type Clock, type MarketFeed, type Random, type Scheduler } from '@k2/ports';

export interface FeedPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
}

/** The feed that a spec names: `simulator`, `simulator:key=value,…` or `asx:DIR`. Throws `misconfigured`. */
export function createFeed(spec: string, ports: FeedPorts): MarketFeed {
  const [kind, rest] = split(spec);
  if (kind === 'simulator') return new SimulatorFeed(parseSimulatorSpec(spec), ports);
  if (kind === 'asx' && rest !== '') return new AsxFeed({ directory: resolve(rest) }, ports);
  throw new PortError(
    'misconfigured',
    `${JSON.stringify(spec)} names no feed: expected simulator[:key=value,…] or asx:DIR`,
    {
      spec,
    },
  );
}

function split(spec: string): [kind: string, rest: string] {
  const colon = spec.indexOf(':');
  return colon === -1 ? [spec, ''] : [spec.slice(0, colon), spec.slice(colon + 1)];
}
