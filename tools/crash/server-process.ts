import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const serverMain = join(import.meta.dirname, '../../apps/server/dist/main.js');
const START_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 120_000;
const POLL_MS = 25;

interface Stats {
  readonly feeds: readonly { readonly acknowledgedTicks: number }[];
  readonly log: { readonly lagRecords: number };
}

/** One life of the server, as a process of its own. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly startedMs = performance.now();
  private readonly exited: Promise<number | null>;
  private output = '';

  constructor(data: string, feed: string, env: Readonly<Record<string, string>>) {
    const args = [serverMain, '--role', 'all', '--data', data, '--port', '0', '--feed', feed, '--log-level', 'warn'];
    this.child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-20_000)));
    this.exited = new Promise((resolve) => this.child.once('close', resolve));
  }

  /**
   * Watches what is acknowledged until the time is over, then kills. The time counts from the start, or from when it was
   * ready: a slow machine must not make every death an early one. `readyMs` is null if it died before it was ready.
   */
  async killAfter(
    from: 'start' | 'ready',
    lifeMs: number,
  ): Promise<{ readonly acknowledgedTicks: number; readonly readyMs: number | null }> {
    const seen = { acknowledgedTicks: 0, readyMs: null as number | null };
    const leftMs = () => {
      const elapsedMs = performance.now() - this.startedMs;
      if (from === 'start') return lifeMs - elapsedMs;
      return seen.readyMs === null ? Infinity : seen.readyMs + lifeMs - elapsedMs;
    };
    while (leftMs() > 0) {
      this.assertAlive();
      if (seen.readyMs === null && performance.now() - this.startedMs > START_TIMEOUT_MS)
        throw this.failure('was not ready in time');
      const url = this.url;
      const stats = url === null ? null : await this.stats(url);
      if (stats !== null) {
        seen.readyMs ??= performance.now() - this.startedMs;
        seen.acknowledgedTicks = stats.feeds.reduce((sum, feed) => sum + feed.acknowledgedTicks, 0);
      }
      await sleep(Math.min(POLL_MS, Math.max(0, leftMs())));
    }
    this.child.kill('SIGKILL');
    await this.exited;
    return seen;
  }

  /** Waits until the log is committed, then asks it to stop; throws where it does not stop in good order. */
  async drainAndStop(): Promise<void> {
    for (;;) {
      this.assertAlive();
      const elapsed = performance.now() - this.startedMs;
      if (this.url === null && elapsed > START_TIMEOUT_MS) throw this.failure('did not listen in time');
      if (elapsed > DRAIN_TIMEOUT_MS) throw this.failure('did not commit the log in time');
      const stats = this.url === null ? null : await this.stats(this.url);
      if (stats !== null && stats.log.lagRecords === 0) break;
      await sleep(POLL_MS);
    }
    this.child.kill('SIGTERM');
    const code = await this.exited;
    if (code !== 0) throw this.failure(`ended with ${code} after SIGTERM`);
  }

  private get url(): string | null {
    return /http:\/\/[\d.]+:\d+/.exec(this.output)?.[0] ?? null;
  }

  private async stats(url: string): Promise<Stats | null> {
    try {
      const response = await fetch(`${url}/v1/stats`, { signal: AbortSignal.timeout(2_000) });
      return response.ok ? ((await response.json()) as Stats) : null;
    } catch {
      return null;
    }
  }

  private assertAlive(): void {
    if (this.child.exitCode !== null) throw this.failure(`ended by itself with ${this.child.exitCode}`);
  }

  private failure(what: string): Error {
    this.child.kill('SIGKILL');
    return new Error(`the server ${what}:\n${this.output}`);
  }
}
