import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { basename } from 'node:path';
import type { Figure } from './figure.ts';

export interface BenchRun {
  /** Absolute paths, in the order they run. */
  readonly files: readonly string[];
  /** On top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** A benchmark that takes longer is ended. */
  readonly timeoutMs?: number;
  /** Figures that follow from others; asked when all have run. */
  readonly derived?: (figures: readonly Figure[]) => readonly Figure[];
  /** Also written there, with the facts of the machine. */
  readonly json?: string | undefined;
}

/** `libs/a/tick.bench.ts` is `tick`. */
export function benchName(file: string): string {
  return basename(file, '.bench.ts');
}

/** Runs each in a process of its own, one after the other, and prints their figures. False where one failed. */
export async function runBenches({ files, env = {}, timeoutMs, derived = () => [], json }: BenchRun): Promise<boolean> {
  const machine = machineFacts();
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, node ${machine.node}\n`,
  );
  const figures: Figure[] = [];
  const failed: string[] = [];
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  for (const file of files) {
    if (interrupted.signal.aborted) break;
    const child = fork(file, { env: { ...process.env, ...env } });
    child.on('message', (figure) => figures.push(figure as Figure));
    const code = await exitCodeOf(child, timeoutMs, interrupted.signal);
    if (code !== 0) failed.push(benchName(file));
  }
  figures.push(...derived(figures));
  if (json !== undefined) {
    const report = { measuredAt: new Date().toISOString(), machine, figures, failed };
    writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    console.log(`\nwritten to ${json}`);
  }
  if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
  return failed.length === 0;
}

function machineFacts() {
  return {
    cpu: os.cpus()[0].model.trim(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

const END_GRACE_MS = 60_000;

/** Null where a signal ended it. */
async function exitCodeOf(
  child: ChildProcess,
  timeoutMs: number | undefined,
  interrupted: AbortSignal,
): Promise<number | null> {
  const timers: NodeJS.Timeout[] = [];
  const end = () => {
    child.kill('SIGTERM');
    timers.push(setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS));
  };
  const tooLate = () => {
    console.error(`not finished after ${Math.round(timeoutMs! / 1_000)} s: it is stopped`);
    end();
  };
  if (timeoutMs !== undefined) timers.push(setTimeout(tooLate, timeoutMs));
  interrupted.addEventListener('abort', end);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  interrupted.removeEventListener('abort', end);
  timers.forEach(clearTimeout);
  return code;
}
