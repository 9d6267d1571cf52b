import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Python in a virtual environment for exactly the requirements beside this file, in K2_JUDGE_CACHE or ~/.cache/k2-judges.
 * The marker comes last, so that half of one is never used.
 */
export function preparedPython(): string {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const cache = process.env['K2_JUDGE_CACHE'] ?? join(homedir(), '.cache', 'k2-judges');
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
      ['-c', `import pyiceberg.catalog.sql, pyarrow, psycopg2; open(${JSON.stringify(proof)}, "w").close()`],
      'importing pyiceberg',
    );
    renameSync(proof, marker);
  }
  return join(directory, 'bin', 'python');
}

export function must(command: string, args: readonly string[], what: string): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', timeout: 600_000 });
  if (status !== 0) throw new Error(`${what} failed: ${command} ${args.join(' ')}`, { cause: error });
}
