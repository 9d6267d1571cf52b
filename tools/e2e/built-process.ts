import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endAtLast } from './scenario.ts';

export const REPOSITORY = join(import.meta.dirname, '../..');

export interface Ended {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  /** As npm runs programs: a shell is its parent. */
  readonly inShell?: boolean;
  /** So that `groupIsGone` tells of whatever it has started. */
  readonly ownGroup?: boolean;
}

/** A built program as users run it: a process of its own, without the test runner's flags and without settings. */
export class BuiltProcess {
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly commandLine: string;
  private readonly ownGroup: boolean;

  constructor(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    { inShell = false, ownGroup = false }: ProcessOptions = {},
  ) {
    this.commandLine = [program, ...args].join(' ');
    this.ownGroup = ownGroup;
    const command = [process.execPath, join(REPOSITORY, program), ...args];
    const [first, ...rest] = inShell ? ['sh', '-c', '"$@"; exit', 'sh', ...command] : command;
    this.child = spawn(first, rest, {
      env: { ...plainEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup,
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
    endAtLast(this);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Whether it and all that it has started have ended; needs `ownGroup`. */
  get groupIsGone(): boolean {
    try {
      process.kill(-this.pid, 0);
      return false;
    } catch {
      return true;
    }
  }

  /** For a failure message. */
  get story(): string {
    const { exitCode, signalCode } = this.child;
    const state = this.isRunning ? 'still running' : `ended with ${exitCode ?? signalCode}`;
    return `\n--- ${this.commandLine} (process ${this.pid}, ${state})\n${this.stdout}${this.stderr.slice(-8_000)}---\n`;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Throws, and kills, where it does not end in time. */
  async endWithin(timeoutMs: number): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, timeoutMs, null)));
    const ended = await Promise.race([this.ended, late]);
    clearTimeout(timer);
    if (ended !== null) return ended;
    await this.kill();
    throw new Error(`${this.commandLine} had not ended after ${timeoutMs} ms`);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    if (this.ownGroup && !this.groupIsGone) process.kill(-this.pid, 'SIGKILL');
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => /^(?:K2_|JEST_|NX_)|^NODE_OPTIONS$|^NODE_ENV$/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
}
