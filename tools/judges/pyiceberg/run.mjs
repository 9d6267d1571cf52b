// Usage: node tools/judges/pyiceberg/run.mjs [--data DIR --expect FILE]
// Lets pyiceberg read a lake that K2 wrote: the one given, or one written for the purpose. Exits non-zero where they differ.
// The Python packages go into a virtual environment outside the checkout: K2_JUDGE_CACHE, or ~/.cache/k2-judges.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

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
    must(process.execPath, ['--conditions=k2-source', join(here, 'write-lake.ts'), directory], 'writing the lake');
    return judge(directory, join(directory, 'expect.json'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function judge(data, expect) {
  const { status, signal } = spawnSync(python, [join(here, 'judge.py'), '--data', data, '--expect', expect], {
    stdio: 'inherit',
  });
  if (signal !== null) throw new Error(`the judge was ended by ${signal}`);
  return status;
}

/** A virtual environment for exactly these requirements; the marker comes last, so that half of one is never used. */
function preparedPython() {
  const requirements = join(here, 'requirements.txt');
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const cache = process.env.K2_JUDGE_CACHE ?? join(homedir(), '.cache', 'k2-judges');
  const directory = join(cache, `pyiceberg-${version}`);
  const marker = join(directory, 'complete');
  if (!existsSync(marker)) {
    mkdirSync(cache, { recursive: true });
    rmSync(directory, { recursive: true, force: true });
    must('python3', ['-m', 'venv', directory], 'making a virtual environment (needs Python 3.10 or later with venv)');
    must(
      join(directory, 'bin', 'pip'),
      ['install', '--quiet', '--disable-pip-version-check', '-r', requirements],
      'installing pyiceberg',
    );
    const proof = join(directory, 'complete.new');
    must(
      join(directory, 'bin', 'python'),
      ['-c', `import pyiceberg.catalog.sql, pyarrow; open(${JSON.stringify(proof)}, "w").close()`],
      'importing pyiceberg',
    );
    renameSync(proof, marker);
  }
  return join(directory, 'bin', 'python');
}

function must(command, args, what) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', timeout: 600_000 });
  if (status !== 0) throw new Error(`${what} failed: ${command} ${args.join(' ')}`, { cause: error });
}
