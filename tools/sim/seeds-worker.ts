/** A thread that runs the seeds it is sent. A mutant is planted before anything of the code under test is loaded. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Hazard, WorldReport } from '@k2/testing/simulation';
import { plant, type Mutant } from './plant.ts';
import type { WorldName } from './worlds/index.ts';

export interface WorkerTask {
  readonly world: WorldName;
  readonly seeds: readonly number[];
}

export interface WorkerSetup {
  readonly mutant: Mutant | null;
  readonly tracesLines: boolean;
  readonly without: readonly Hazard[];
  readonly only: readonly Hazard[] | null;
}

export interface WorldResult extends WorldReport {
  readonly world: WorldName;
}

const { mutant, tracesLines, without, only } = workerData as WorkerSetup;
if (mutant !== null) plant(mutant);
const { WORLDS } = await import('./worlds/index.ts');
const options = {
  tracesLines,
  without: new Set(without),
  ...(only !== null && { only: new Set(only) }),
};

parentPort!.on('message', (task: WorkerTask) => void run(task));
parentPort!.postMessage([]);

async function run({ world, seeds }: WorkerTask): Promise<void> {
  const results: WorldResult[] = [];
  for (const seed of seeds) {
    const report = await WORLDS[world].run(seed, options).catch((error: Error): WorldReport => ({
      seed,
      violations: [`the world broke: ${error.stack ?? error.message}`],
      drawn: '',
      steps: 0,
      lastedMs: 0,
      hash: '',
      lines: null,
    }));
    results.push({ ...report, world });
  }
  parentPort!.postMessage(results);
}
