/**
 * Plants the faults of mutants.ts one by one, and looks for each with the seeds of its world: one that survives is a hole
 * in the simulation. See docs/guides/develop.md, Simulation.
 */
import { availableParallelism } from 'node:os';
import { MUTANTS, type WorldMutant } from './mutants.ts';
import { inLines, named, readOptions, wholeNumber } from './options.ts';
import { rot } from './plant.ts';
import { runSeeds } from './run-seeds.ts';
import type { WorldResult } from './seeds-worker.ts';
import { WORLDS } from './worlds/index.ts';

const MUTANT_NAMES = MUTANTS.map(({ name }) => name);

const HELP = `npm run sim:mutants -- [options]

  --seeds N     a mutant that so many seeds do not find has survived (default 400; slow worlds run on fewer of them)
  --only N,…    only these:
                  ${inLines(MUTANT_NAMES, 18)}
  --threads N   default: one a core
  --json        the outcome as JSON
  --help

Ends with 1 if a mutant survives, or if the source it changes is no longer what it expects.
`;

interface Outcome {
  readonly name: string;
  readonly world: string;
  /** Seeds that were run up to and with the first that found it; null: none did. */
  readonly seeds: number | null;
  /** What that seed said, or why the mutant could not be planted. */
  readonly said: string;
}

const values = readOptions(
  {
    seeds: { type: 'string', default: '400' },
    only: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
  },
  HELP,
);
const seedsMax = wholeNumber('seeds', values.seeds, 1);
const chosen = named('only', values.only, MUTANT_NAMES);
const left = MUTANTS.filter(({ name }) => chosen === null || chosen.includes(name));
const outcomes: Outcome[] = [];
await Promise.all(
  Array.from({ length: wholeNumber('threads', values.threads, 1) }, async () => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) outcomes.push(await hunt(mutant));
  }),
);
if (values.json) process.stdout.write(`${JSON.stringify({ seedsMax, outcomes }, null, 2)}\n`);
const survivors = outcomes.filter(({ seeds }) => seeds === null);
process.stdout.write(
  `${outcomes.length} mutants, ${outcomes.length - survivors.length} found within ${seedsMax} seeds, ${survivors.length} not\n`,
);
for (const { name, said } of survivors) process.stderr.write(`survived: ${name} (${said})\n`);
if (survivors.length > 0) process.exitCode = 1;

async function hunt(mutant: WorldMutant): Promise<Outcome> {
  const { name, world } = mutant;
  const wrong = rot(mutant);
  if (wrong !== null) return told({ name, world, seeds: null, said: `it cannot be planted: ${wrong}` });
  const found: WorldResult[] = [];
  const setup = { mutant, tracesLines: false, without: [], only: mutant.only ?? null };
  await runSeeds({ from: 1, count: seedsMax, worlds: [world] }, 1, setup, (results) => {
    found.push(...results.filter(({ violations }) => violations.length > 0));
    return found.length === 0;
  });
  const first = found.toSorted((a, b) => a.seed - b.seed).at(0);
  if (first === undefined) return told({ name, world, seeds: null, said: `no seed of ${seedsMax} finds it` });
  const { every } = WORLDS[world];
  return told({ name, world, seeds: (first.seed - 1) / every + 1, said: first.violations[0] });
}

function told(outcome: Outcome): Outcome {
  const { name, world, seeds, said } = outcome;
  const line = `${name.padEnd(34)} ${world.padEnd(9)} ${String(seeds ?? '-').padStart(5)}  ${said.split('\n')[0].slice(0, 110)}\n`;
  (values.json ? process.stderr : process.stdout).write(line);
  return outcome;
}
