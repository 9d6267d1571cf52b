// Runs every tools/bench/*.bench.ts, one after the other, each in a process of its own.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const benches = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort();
if (benches.length === 0) console.log('no benchmarks yet: add tools/bench/<name>.bench.ts');

for (const bench of benches) {
  console.log(`\n== ${bench}`);
  const { status } = spawnSync(process.execPath, [...process.execArgv, bench], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
