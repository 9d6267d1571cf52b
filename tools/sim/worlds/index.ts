import { memoryWorld } from '@k2/adapter-memory';
import { runRecordWorld, runSinkWorld, type SinkWorldOptions, type WorldReport } from '@k2/testing/simulation';
import { runCatalogWorld } from './catalog-world.ts';
import { runFullLogWorld } from './full-log-world.ts';

export interface World {
  /** It runs on every so many seeds: worlds that touch the disk are slower. */
  readonly every: number;
  readonly what: string;
  run(seed: number, options: SinkWorldOptions): Promise<WorldReport>;
}

export const WORLDS = {
  sink: {
    every: 1,
    what: 'feeds and sinks on log and store in memory, with the limits of all drawn',
    run: async (seed, options) => runSinkWorld(seed, await memoryWorld(seed), options),
  },
  record: {
    every: 1,
    what: 'one feed that goes quiet while its last appends are under way',
    run: async (seed, { tracesLines = false }) => runRecordWorld(seed, await memoryWorld(seed), tracesLines),
  },
  catalog: {
    every: 50,
    what: 'Iceberg writers whose clocks differ, and expiry beside them, on one catalog',
    run: async (seed, { tracesLines = false }) => runCatalogWorld(seed, tracesLines),
  },
  'full-log': {
    every: 25,
    what: 'a log on disk that is full, and whose disk refuses to delete what was trimmed',
    run: async (seed, { tracesLines = false }) => runFullLogWorld(seed, tracesLines),
  },
  stop: {
    every: 20,
    what: 'a process that is told to stop while what it rests on fails or hangs',
    // Only here is the whole of a process loaded.
    run: async (seed, { tracesLines = false }) => (await import('./stop-world.ts')).runStopWorld(seed, tracesLines),
  },
} as const satisfies Readonly<Record<string, World>>;

export type WorldName = keyof typeof WORLDS;
export const WORLD_NAMES = Object.keys(WORLDS) as readonly WorldName[];
