import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const serverMain = join(import.meta.dirname, '../../apps/server/dist/main.js');
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
const OUTPUT_CHARS_MAX = 40_000;

/** The part of `/v1/stats` that is looked at. */
export interface RoleStats {
  readonly feeds: readonly { readonly acknowledgedTicks: number; readonly state: string }[];
  readonly log: { readonly lagRecords: number };
  readonly sink: {
    readonly commits: number;
    readonly committedRows: number;
    readonly counts: { readonly quarantined: number };
  } | null;
}

/** One process of K2 with some of its roles. */
export class RoleProcess {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | null>;
  private output = '';
  private foundUrl: string | null = null;

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    const all = ['--enable-source-maps', serverMain, '--port', '0', '--log-level', 'info', ...args];
    this.child = spawn(process.execPath, all, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
      this.foundUrl ??= /http:\/\/[\d.]+:\d+/.exec(this.output)?.[0] ?? null;
    };
    this.child.stdout!.on('data', keep);
    this.child.stderr!.on('data', keep);
    this.exited = new Promise((resolve) => this.child.once('close', resolve));
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Of the last 40,000 characters. */
  get printed(): string {
    return this.output;
  }

  /** Messages of its log of level warn and above. */
  get warnings(): readonly string[] {
    return this.output.split('\n').filter((line) => /"level":"(?:warn|error)"/.test(line));
  }

  /** Resolves when it listens; throws with its output where it ended instead. */
  async ready(): Promise<void> {
    const untilMs = performance.now() + READY_TIMEOUT_MS;
    while (this.url === null) {
      if (!this.isAlive) throw this.failure(`ended with ${this.child.exitCode ?? this.child.signalCode}`);
      if (performance.now() > untilMs) throw this.failure('did not listen in time');
      await sleep(POLL_MS);
    }
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** SIGTERM; resolves with the exit code, by SIGKILL after the time-out. */
  async stop(timeoutMs = 60_000): Promise<number | null> {
    this.child.kill('SIGTERM');
    const late = sleep(timeoutMs, 'late' as const, { ref: false });
    if ((await Promise.race([this.exited, late])) === 'late') await this.kill();
    return this.exited;
  }

  async exit(timeoutMs: number): Promise<number | null> {
    const late = sleep(timeoutMs, 'late' as const, { ref: false });
    const ended = await Promise.race([this.exited, late]);
    if (ended === 'late') throw this.failure(`did not end within ${timeoutMs} ms`);
    return ended;
  }

  /** Null while it does not answer. */
  async stats(): Promise<RoleStats | null> {
    const text = await this.get('/v1/stats');
    return text === null ? null : (JSON.parse(text) as RoleStats);
  }

  /** In Prometheus' text format; null while it does not answer. */
  metrics(): Promise<string | null> {
    return this.get('/metrics');
  }

  private async get(path: string): Promise<string | null> {
    if (this.url === null) return null;
    try {
      const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
      return response.ok ? await response.text() : null;
    } catch {
      return null;
    }
  }

  /** Where it listens; null before it says so. */
  get url(): string | null {
    return this.foundUrl;
  }

  private failure(what: string): Error {
    return new Error(`${this.name} ${what}:\n${this.output.slice(-4_000)}`);
  }
}
