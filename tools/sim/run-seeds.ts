import { Worker } from 'node:worker_threads';
import { WORLDS, type WorldName } from './worlds/index.ts';
import type { WorkerSetup, WorkerTask, WorldResult } from './seeds-worker.ts';

export interface SeedRange {
  readonly from: number;
  readonly count: number;
  readonly worlds: readonly WorldName[];
}

const CHUNK_SEEDS = 20;

/**
 * Runs the seeds on as many threads. `hear` gets the results as they come, in no order of the seeds, and returns false
 * where it has seen enough.
 */
export async function runSeeds(
  range: SeedRange,
  threads: number,
  setup: WorkerSetup,
  hear: (results: readonly WorldResult[]) => boolean,
): Promise<void> {
  const tasks = tasksOf(range);
  await Promise.all(Array.from({ length: threads }, () => work(tasks, setup, hear)));
}

/** Slow worlds first, so that no thread is left with one at the end. */
function tasksOf({ from, count, worlds }: SeedRange): WorkerTask[] {
  const bySlowness = worlds.toSorted((a, b) => WORLDS[b].every - WORLDS[a].every);
  return bySlowness.flatMap((world) => {
    const { every } = WORLDS[world];
    const seeds = Array.from({ length: count }, (_, at) => from + at).filter((seed) => (seed - from) % every === 0);
    const chunkSeeds = Math.max(1, Math.floor(CHUNK_SEEDS / every));
    return Array.from({ length: Math.ceil(seeds.length / chunkSeeds) }, (_, chunk) => ({
      world,
      seeds: seeds.slice(chunk * chunkSeeds, (chunk + 1) * chunkSeeds),
    }));
  });
}

/** One thread, until no task is left. It says that it is ready by results of nothing. */
async function work(
  tasks: WorkerTask[],
  setup: WorkerSetup,
  hear: (results: readonly WorldResult[]) => boolean,
): Promise<void> {
  const worker = new Worker(new URL('./seeds-worker.ts', import.meta.url), { workerData: setup });
  const ended = Promise.withResolvers<void>();
  worker.on('error', ended.reject);
  worker.on('exit', () => ended.resolve());
  worker.on('message', (results: readonly WorldResult[]) => {
    const isEnough = results.length > 0 && !hear(results);
    if (isEnough) tasks.length = 0;
    const task = tasks.shift();
    if (task === undefined) void worker.terminate();
    else worker.postMessage(task);
  });
  await ended.promise;
}
