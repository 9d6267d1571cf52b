/**
 * Kills, freezes and cuts off what K2 is made of while a known tape goes through it on real servers, and at the end holds
 * the tables against the tape: every acknowledged tick must be there exactly once, with the values it was sent with.
 *
 *   npm run test:fire -- [scenario…] [--kills N] [--seed 1] [--rate 4000] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Outcome, Scenario } from './outcome.ts';
import { failuresOf, report } from './report.ts';
import { killServers } from './scenarios/kill-servers.ts';
import { killSinks } from './scenarios/kill-sinks.ts';
import { networks } from './scenarios/network.ts';
import { overrun } from './scenarios/overrun.ts';
import { poison } from './scenarios/poison.ts';
import { rebalance } from './scenarios/rebalance.ts';
import { recreated } from './scenarios/recreated.ts';
import { zombie } from './scenarios/zombie.ts';

const SCENARIOS: readonly Scenario[] = [
  killSinks,
  ...killServers,
  zombie,
  ...networks,
  rebalance,
  poison,
  recreated,
  overrun,
];

const FAILURES_SHOWN = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '4000' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) {
  const list = SCENARIOS.map(({ name, description, kills }) => `  ${name.padEnd(18)} ${description} (${kills} times)`);
  console.log(
    `npm run test:fire -- [scenario…] [--kills N] [--seed 1] [--rate 4000] [--json FILE]\n\n${list.join('\n')}`,
  );
  process.exit(0);
}
const unknown = positionals.find((wanted) => !SCENARIOS.some(({ name }) => name === wanted));
if (unknown !== undefined)
  refuse(`there is no scenario ${unknown}: expected some of ${SCENARIOS.map(({ name }) => name).join(', ')}`);
const seed = wholeNumber('seed', values.seed, 0, 2 ** 31);
const rate = wholeNumber('rate', values.rate, 100, 1_000_000);
const kills = values.kills === undefined ? null : wholeNumber('kills', values.kills, 1, 100_000);

const outcomes: Outcome[] = [];
const failed: string[] = [];
for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  console.log(`${scenario.name}: ${scenario.description}`);
  const say = (line: string) => console.log(`  ${line}`);
  try {
    outcomes.push(await scenario.run({ kills: kills ?? scenario.kills, seed, rate, say }));
  } catch (error) {
    failed.push(`${scenario.name} could not be carried out: ${String(error)}`);
    console.error(`${scenario.name} could not be carried out:`, error);
  }
}

console.log(`\n${report(outcomes)}`);
for (const outcome of outcomes)
  for (const failure of failuresOf(outcome)) failed.push(`${outcome.scenario}: ${failure}`);
for (const line of failed.slice(0, FAILURES_SHOWN)) console.error(`FAILED ${line}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcomes, null, 2)}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(`--${name} is ${JSON.stringify(text)}: expected a whole number from ${min} to ${max}`);
}

function refuse(message: string): never {
  console.error(message);
  return process.exit(2);
}
