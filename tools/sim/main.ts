/**
 * Runs the simulated worlds of many seeds on all cores: see docs/guides/develop.md, Simulation.
 *
 *   npm run sim -- [--from 1] [--seeds 1000] [--seed N] [--world NAME,…] [--trace] [--json]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { HAZARDS, UNMENDED, type Hazard } from '@k2/testing/simulation';
import { runSeeds } from './run-seeds.ts';
import type { WorldResult } from './seeds-worker.ts';
import { WORLD_NAMES, WORLDS } from './worlds/index.ts';

const FAILURES_SHOWN = 3;
const VIOLATIONS_SHOWN = 3;

const HELP = `npm run sim -- [options]

  --seeds N        how many seeds to run (default 1000)
  --from S         the first of them (default 1)
  --seed S         only this one, and print the hash of its steps: the same in every run
  --trace          with --seed: print the steps
  --world NAME,…   only these worlds:
${WORLD_NAMES.map((name) => `                     ${name.padEnd(10)} ${WORLDS[name].what}`).join('\n')}
  --without H,…    worlds without these hazards, otherwise as drawn; "none" is every hazard there is
                   (default: those with faults that are known and not mended: ${[...UNMENDED].join(', ') || 'none'})
  --only H,…       worlds with these hazards and no others; hazards are
                     ${HAZARDS.join(', ')
                       .replaceAll(/(.{1,90})(?:, |$)/g, '$1\n                     ')
                       .trim()}
  --threads N      default: one a core
  --json           the outcome as JSON
  --help

Ends with 1 and a line that replays it where a seed has a violation.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    world: { type: 'string' },
    without: { type: 'string' },
    only: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const isOne = values.seed !== undefined;
const range = {
  from: wholeNumber(isOne ? 'seed' : 'from', values.seed ?? values.from, 0),
  count: isOne ? 1 : wholeNumber('seeds', values.seeds, 1),
  worlds: named('world', values.world, WORLD_NAMES) ?? WORLD_NAMES,
};
const threads = isOne ? 1 : wholeNumber('threads', values.threads, 1);
const without: readonly Hazard[] | null = values.without === 'none' ? [] : named('without', values.without, HAZARDS);
const only = named('only', values.only, HAZARDS);
const setup = { mutant: null, tracesLines: values.trace && isOne, without, only };

const totals = { seeds: 0, worlds: 0, steps: 0, simulatedMs: 0 };
const failed: WorldResult[] = [];
const startedMs = performance.now();
await runSeeds(range, threads, setup, (results) => {
  for (const result of results) hear(result);
  progress();
  // The first failures are as good as all: somebody has to look at one of them.
  return failed.length < FAILURES_SHOWN;
});
clearProgress();
const seconds = (performance.now() - startedMs) / 1_000;
if (values.json) process.stdout.write(`${JSON.stringify({ ...totals, seconds, failed }, null, 2)}\n`);
else if (failed.length === 0) {
  const simulatedHours = (totals.simulatedMs / 3_600_000).toFixed(1);
  const many = `${totals.worlds} worlds of ${range.count} seeds, ${totals.steps} steps, ${simulatedHours} simulated hours`;
  process.stdout.write(`${many}: no violation, in ${seconds.toFixed(0)} s\n`);
}
for (const { seed, world, violations, drawn } of failed.toSorted((a, b) => a.seed - b.seed).slice(0, FAILURES_SHOWN)) {
  const more = isOne ? violations : violations.slice(0, VIOLATIONS_SHOWN);
  process.stderr.write(`seed ${seed} of the ${world} world (${drawn}):\n`);
  for (const violation of more) process.stderr.write(`  ${violation}\n`);
  if (more.length < violations.length) process.stderr.write(`  and ${violations.length - more.length} more\n`);
  process.stderr.write(`replay: npm run sim -- --seed ${seed} --world ${world}${options()} --trace\n`);
}
if (failed.length > 0) process.exitCode = 1;

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

function options(): string {
  const given = (name: string, value: string | undefined) => (value === undefined ? '' : ` --${name} ${value}`);
  return given('without', values.without) + given('only', values.only);
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    wrong(`--${name} is ${text}: expected a whole number from ${least} on`);
  return number;
}

function named<Name extends string>(option: string, text: string | undefined, names: readonly Name[]): Name[] | null {
  if (text === undefined) return null;
  return text.split(',').map((name) => {
    const known = names.find((of) => of === name.trim());
    return known ?? wrong(`--${option} names ${name}: expected some of ${names.join(', ')}`);
  });
}

function wrong(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
