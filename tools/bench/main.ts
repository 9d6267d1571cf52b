/**
 * Runs every tools/bench/*.bench.ts, one after the other, each in a process of its own, and prints their figures.
 * `--json FILE` also writes them, with the facts of the machine. `--only NAME` runs one.
 */
import { fork } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Figure } from './figure.ts';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const all = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort();
const chosen = values.only === undefined ? all : all.filter((file) => basename(file, '.bench.ts') === values.only);
if (chosen.length === 0) {
  const names = all.map((file) => basename(file, '.bench.ts')).join(', ');
  console.error(`--only is ${JSON.stringify(values.only)}: expected one of ${names}`);
  process.exit(2);
}

const machine = {
  cpu: os.cpus()[0].model.trim(),
  cores: os.availableParallelism(),
  memoryBytes: os.totalmem(),
  os: `${os.type()} ${os.release()} ${os.arch()}`,
  node: process.version,
};
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, node ${machine.node}\n`,
);

const figures: Figure[] = [];
const failed: string[] = [];
for (const file of chosen) {
  const code = await runBench(file);
  if (code !== 0) failed.push(file);
}
if (values.json !== undefined) {
  const report = { measuredAt: new Date().toISOString(), machine, figures, failed };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nwritten to ${values.json}`);
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

function runBench(file: string): Promise<number | null> {
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, file));
    child.on('message', (figure) => figures.push(figure as Figure));
    child.on('close', resolve);
  });
}
