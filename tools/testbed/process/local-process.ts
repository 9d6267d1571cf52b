import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Condition } from '../provider.ts';
import { waitUntil } from '../wait-until.ts';
import { descendants, processEntry, rssBytes } from './process-table.ts';

/** How a server is started, each time; JSON. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** On top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; of this server alone, and deleted with it. */
  readonly directory: string;
  /** Whom it runs as, where it must not be us. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What asks it to end in good order; SIGTERM by default. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
}

/** A process that may have been started by another one of ours; JSON. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

const endGraceMs = 20_000;
/** A process that got SIGKILL is gone as soon as the system comes round to it. */
const killWaitMs = 10_000;

/** Starts a process that outlives us and the terminal; what it prints is appended to the log file. */
export async function launch(command: Command, logFile: string): Promise<ProcessIdentity> {
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(command.file, command.args, {
      cwd: command.directory,
      env: { ...process.env, ...command.env },
      stdio: ['ignore', log, log],
      detached: true,
      ...command.user,
    });
    await once(child, 'spawn');
    child.unref();
    const pid = child.pid as number;
    // One that is gone already is an identity that nothing has.
    return { pid, startedAt: processEntry(pid)?.startedAt ?? 'never' };
  } finally {
    closeSync(log);
  }
}

export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  return processEntry(pid)?.startedAt === startedAt;
}

export function conditionOf(identity: ProcessIdentity | null): Condition {
  if (identity === null || !isRunning(identity)) return { running: false, pid: null, rssBytes: null };
  const bytes = familyOf(identity).map((member) => rssBytes(member.pid));
  return { running: true, pid: identity.pid, rssBytes: bytes.reduce((sum, next) => sum + next, 0) };
}

/** Asks it to end, and kills it where it has not after a while; waits until it is gone, with all its children. */
export async function terminate(identity: ProcessIdentity, stopSignal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (!isRunning(identity)) return;
  const family = familyOf(identity);
  signal(identity, stopSignal);
  // One that is paused hears it when it goes on.
  for (const member of family) signal(member, 'SIGCONT');
  const ended = await goneWithin(family, endGraceMs);
  if (!ended) await killAll(family);
}

/** Kills the process and everything it started, at one moment as far as they can see. */
export async function kill(identity: ProcessIdentity): Promise<void> {
  if (!isRunning(identity)) return;
  // Stopped first, so that no child is born after the children were listed.
  signal(identity, 'SIGSTOP');
  await killAll(familyOf(identity));
}

export function pause(identity: ProcessIdentity): void {
  signal(identity, 'SIGSTOP');
  for (const member of familyOf(identity)) signal(member, 'SIGSTOP');
}

export function resume(identity: ProcessIdentity): void {
  for (const member of familyOf(identity).reverse()) signal(member, 'SIGCONT');
}

function familyOf(identity: ProcessIdentity): ProcessIdentity[] {
  return [identity, ...descendants(identity.pid)];
}

async function killAll(family: readonly ProcessIdentity[]): Promise<void> {
  for (const member of family) signal(member, 'SIGKILL');
  if (!(await goneWithin(family, killWaitMs))) {
    throw new Error(`process ${family[0].pid} is still there ${killWaitMs / 1000} s after SIGKILL`);
  }
}

async function goneWithin(family: readonly ProcessIdentity[], timeoutMs: number): Promise<boolean> {
  const tooLate = new Error('still running');
  try {
    await waitUntil(
      () => !family.some(isRunning),
      timeoutMs,
      () => tooLate,
      10,
    );
    return true;
  } catch (error) {
    if (error !== tooLate) throw error;
    return false;
  }
}

/** Never to another process that has got the same pid in the meantime. */
function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
