/** Runs the simulated worlds of many seeds on all cores: see docs/guides/develop.md, Simulation. */
import { availableParallelism } from 'node:os';
import { HAZARDS } from '@k2/testing/simulation';
import { failuresText } from './failures.ts';
import { inLines, named, readOptions, wholeNumber } from './options.ts';
import { runSeeds } from './run-seeds.ts';
import type { WorldResult } from './seeds-worker.ts';
import { WORLD_NAMES, WORLDS } from './worlds/index.ts';

const HELP = `npm run sim -- [options]

  --seeds N        how many seeds to run (default 1000)
  --from S         the first of them (default 1)
  --failures N     stop when so many have a violation (default 10)
  --seed S         only this one, and print the hash of its steps: the same in every run
  --trace          with --seed: print the steps
  --world NAME,…   only these worlds:
${WORLD_NAMES.map((name) => `                     ${name.padEnd(10)} ${WORLDS[name].what}`).join('\n')}
  --without H,…    worlds without these hazards, otherwise as drawn
  --only H,…       worlds with these hazards and no others; hazards are
                     ${inLines(HAZARDS, 21)}
  --threads N      default: one a core
  --json           the outcome as JSON
  --help

Ends with 1 if a seed has a violation, and prints what was violated and a line that replays it.
`;

const values = readOptions(
  {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    failures: { type: 'string', default: '10' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    world: { type: 'string' },
    without: { type: 'string' },
    only: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
  },
  HELP,
);
const isOne = values.seed !== undefined;
const range = {
  from: wholeNumber(isOne ? 'seed' : 'from', values.seed ?? values.from, 0),
  count: isOne ? 1 : wholeNumber('seeds', values.seeds, 1),
  worlds: named('world', values.world, WORLD_NAMES) ?? WORLD_NAMES,
};
const failuresMax = wholeNumber('failures', values.failures, 1);
const threads = isOne ? 1 : wholeNumber('threads', values.threads, 1);
const without = named('without', values.without, HAZARDS) ?? [];
const only = named('only', values.only, HAZARDS);
const setup = { mutant: null, tracesLines: values.trace && isOne, without, only };

const totals = { worlds: 0, steps: 0, simulatedMs: 0 };
const failed: WorldResult[] = [];
const startedMs = performance.now();
await runSeeds(range, threads, setup, (results) => {
  for (const result of results) hear(result);
  progress();
  return failed.length < failuresMax;
});
clearProgress();
const seconds = (performance.now() - startedMs) / 1_000;
if (values.json) process.stdout.write(`${JSON.stringify({ ...totals, seconds, failed }, null, 2)}\n`);
else {
  const many = `${totals.worlds} worlds, ${totals.steps} steps, ${(totals.simulatedMs / 60_000).toFixed(1)} simulated minutes`;
  const outcome = failed.length === 0 ? 'no violation' : `${failed.length} with a violation`;
  process.stdout.write(`${many}: ${outcome}, in ${seconds.toFixed(0)} s\n`);
}
if (failed.length > 0) {
  process.stderr.write(failuresText(failed, optionsGiven()));
  process.exitCode = 1;
}

function hear(result: WorldResult): void {
  totals.worlds++;
  totals.steps += result.steps;
  totals.simulatedMs += result.lastedMs;
  if (result.lines !== null) process.stdout.write(`${result.lines.join('\n')}\n`);
  if (isOne && !values.json)
    process.stdout.write(`${result.world}: ${result.hash} after ${result.steps} steps (${result.drawn})\n`);
  if (result.violations.length > 0) failed.push(result);
}

function progress(): void {
  if (!process.stderr.isTTY || isOne) return;
  const perSecond = totals.worlds / ((performance.now() - startedMs) / 1_000);
  process.stderr.write(`\r\x1b[K${totals.worlds} worlds, ${perSecond.toFixed(0)} a second, ${failed.length} failed`);
}

function clearProgress(): void {
  if (process.stderr.isTTY && !isOne) process.stderr.write('\r\x1b[K');
}

function optionsGiven(): string {
  const given = (name: string, value: string | undefined) => (value === undefined ? '' : ` --${name} ${value}`);
  return given('without', values.without) + given('only', values.only);
}
