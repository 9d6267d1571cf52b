import { join } from 'node:path';
import { programIn } from '../process/find-program.ts';
import { runTool } from '../process/run-tool.ts';
import type { Progress } from '../progress.ts';

/** A virtual environment with exactly these packages, in an empty directory; pip checks what it downloads. */
export async function pythonEnvironment(
  title: string,
  requirements: readonly string[],
  directory: string,
  progress: Progress,
): Promise<void> {
  const python = programIn('python3');
  if (python === undefined)
    throw new Error(`${title} comes from PyPI: install Python 3.10 or later (python3), or use Docker`);
  progress.update(`${title}: downloading from PyPI`);
  await runTool(`${title}: making a Python environment (Debian: apt-get install python3-venv)`, python, [
    '-m',
    'venv',
    directory,
  ]);
  await runTool(`${title}: pip install`, join(directory, 'bin', 'python'), [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    ...requirements,
  ]);
}
