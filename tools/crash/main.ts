/**
 * Kills the server with SIGKILL at random moments while the simulator feeds it, starts it again, and at the end holds
 * the tables against the tape, which it makes anew by itself: every tick that the log had acknowledged must be in its
 * table or in the quarantine exactly once, with the values it was sent with, and nothing else may be there.
 *
 *   npm run test:crash -- [--kills 50] [--seed 1] [--rate 40000] [--data DIR]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSettings } from '@k2/composition';
import { seededChance } from './chance.ts';
import { compareWithTape } from './compare.ts';
import { describeRecoveries } from '../fire/report.ts';
import { durableTicks } from './durable-ticks.ts';
import { ServerProcess } from './server-process.ts';
import { runTape } from './run-tape.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '40000' },
    data: { type: 'string' },
  },
});
const kills = wholeNumber('kills', values.kills, 1, 100_000);
const seed = wholeNumber('seed', values.seed, 0, 2 ** 31);
const rate = wholeNumber('rate', values.rate, 100, 2_000_000);
const data = values.data ?? mkdtempSync(join(tmpdir(), 'k2-crash-'));

const chance = seededChance(seed);
const recoveriesMs: number[] = [];
/** Ticks that run `i` had acknowledged, at least. */
const acknowledged: number[] = [];
console.log(`${kills} kills, seed ${seed}, ${rate} ticks/s, data in ${data}`);

for (let run = 0; run < kills; run++) {
  // Some die while they start or recover, most while they work.
  const from = chance() < 0.15 ? 'start' : 'ready';
  const lifeMs = chance() * (from === 'start' ? 600 : 1_600);
  const server = new ServerProcess(data, runTape(seed, run, rate).spec, {
    K2_FLUSH_INTERVAL_MS: String(20 + Math.floor(chance() * 400)),
  });
  const seen = await server.killAfter(from, lifeMs);
  if (seen.readyMs !== null) recoveriesMs.push(seen.readyMs);
  acknowledged.push(Math.max(seen.acknowledgedTicks, await durableTicks(data, runTape(seed, run, rate).session)));
  const state = seen.readyMs === null ? 'before it was ready' : `${seen.acknowledgedTicks} ticks acknowledged`;
  console.log(
    `kill ${run + 1}/${kills}, ${Math.round(lifeMs)} ms after its ${from === 'start' ? 'start' : 'first answer'}: ${state}`,
  );
}

const last = new ServerProcess(data, 'none', {});
await last.drainAndStop();
const verdict = await compareWithTape(
  readSettings({ data, feeds: 'none', role: 'api', logLevel: 'error' }, process.env),
  acknowledged.map((atLeast, run) => ({ tape: runTape(seed, run, rate), atLeast })),
);

console.log(`
kills           ${kills}
acknowledged    ${verdict.acknowledged} (at least)
in the tables   ${verdict.inTables}
in quarantine   ${verdict.inQuarantine}
lost            ${verdict.lost}
duplicated      ${verdict.duplicated}
not of the tape ${verdict.foreign}
recovery ms     ${describeRecoveries(recoveriesMs)} (median, max)`);
const violations = [...verdict.violations];
if (verdict.acknowledged === 0) violations.push('nothing was acknowledged: there was nothing to lose');
for (const violation of violations.slice(0, 20)) console.error(violation);
const failed = violations.length > 0;
if (failed) console.error(`${violations.length} violations; the data is left in ${data}`);
else if (values.data === undefined) rmSync(data, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  console.error(`--${name} is ${JSON.stringify(text)}: expected a whole number from ${min} to ${max}`);
  return process.exit(2);
}
