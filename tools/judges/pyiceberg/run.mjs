// Usage: node tools/judges/pyiceberg/run.mjs [--data DIR --expect FILE]
// Lets pyiceberg read a lake that K2 wrote: the one given, or one written for the purpose, as written and once more after
// maintenance. Exits non-zero where they differ.
// The Python packages go into a virtual environment outside the checkout: K2_JUDGE_CACHE, or ~/.cache/k2-judges.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { must, preparedPython } from './prepared-python.ts';

const here = import.meta.dirname;
const { values: given } = parseArgs({ options: { data: { type: 'string' }, expect: { type: 'string' } } });
if ((given.data === undefined) !== (given.expect === undefined)) {
  throw new Error('--data DIR and --expect FILE go together');
}

const python = preparedPython();
process.exitCode = given.data === undefined ? judgeOwnLake() : judge(given.data, given.expect);

function judgeOwnLake() {
  const directory = mkdtempSync(join(tmpdir(), 'k2-judge-'));
  try {
    const expect = join(directory, 'expect.json');
    run('write-lake.ts', directory, 'writing the lake');
    const asWritten = judge(directory, expect);
    run('maintain-lake.ts', directory, 'maintaining the lake');
    return asWritten || judge(directory, expect);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(script, directory, what) {
  must(process.execPath, ['--conditions=k2-source', join(here, script), directory], what);
}

function judge(data, expect) {
  const { status, signal } = spawnSync(python, [join(here, 'judge.py'), '--data', data, '--expect', expect], {
    stdio: 'inherit',
  });
  if (signal !== null) throw new Error(`the judge was ended by ${signal}`);
  return status;
}
