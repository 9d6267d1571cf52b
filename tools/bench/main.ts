/**
 * Runs every tools/bench/*.bench.ts and prints their figures. `--json FILE` also writes them, `--only NAME` runs one.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchName, runBenches } from './run-benches.ts';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const all = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort();
const chosen = values.only === undefined ? all : all.filter((file) => benchName(file) === values.only);
if (chosen.length === 0) {
  const names = all.map(benchName).join(', ');
  console.error(`--only is ${JSON.stringify(values.only)}: expected one of ${names}`);
  process.exit(2);
}
const files = chosen.map((file) => join(import.meta.dirname, file));
if (!(await runBenches({ files, json: values.json }))) process.exitCode = 1;
