import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Guard {
  /** The testbed is gone: nothing left to guard. */
  dismiss(): void;
}

/** A process that stops the testbed of that directory when we have ended, whatever ended us. */
export function guard(directory: string): Guard {
  const child = spawn(
    process.execPath,
    [
      '--conditions=k2-source',
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'guard-process.ts'),
      directory,
    ],
    // Its input ends when we do.
    { stdio: ['pipe', 'ignore', 'inherit'], detached: true },
  );
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { dismiss: () => void child.stdin.end('dismissed') };
}
