import { afterAll, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltProcess } from './built-process.ts';

const SCENARIO_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

const processes: BuiltProcess[] = [];
const directories: string[] = [];

/** A test of the built programs: where it fails, what they printed is printed too. */
export function scenario(name: string, body: () => Promise<void>, timeoutMs = SCENARIO_TIMEOUT_MS): void {
  it(name, withLogs(body), timeoutMs);
}

/** For `beforeAll`, `it.each` and the like. */
export function withLogs<Args extends readonly unknown[]>(body: (...args: Args) => Promise<void>) {
  return async (...args: Args): Promise<void> => {
    const before = processes.length;
    try {
      await body(...args);
    } catch (error) {
      const involved = processes.filter((one, at) => at >= before || one.isRunning);
      process.stderr.write(involved.map(({ story }) => story).join('\n'));
      throw error;
    }
  };
}

/** Whatever a failed scenario leaves running is ended with it. */
export function endAtLast(process: BuiltProcess): void {
  processes.push(process);
}

/** A new directory, removed after the tests of the file. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'k2-e2e-'));
  directories.push(directory);
  return directory;
}

/** Asks until the answer is one that is wanted; throws with the last answer at the deadline. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value>,
  isWanted: (value: Value) => boolean,
  timeoutMs = 20_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (isWanted(value)) return value;
    if (performance.now() > deadline) {
      const answer = String(JSON.stringify(value)).slice(0, 2_000);
      throw new Error(`${timeoutMs} ms went by without ${what}; last answer: ${answer}`);
    }
    await sleep(POLL_MS);
  }
}

afterAll(async () => {
  await Promise.all(processes.map((one) => one.kill()));
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}, SCENARIO_TIMEOUT_MS);
