import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cancelled } from './cancelled.ts';
import type { RewriteJob, RewriteResponse, RewriteSettings, RewrittenFile } from './rewrite-job.ts';

export interface RewriteLimits {
  /** Memory of the process, about; sorting beyond it goes to disk. */
  readonly memoryBytesMax: number;
  /** A job that takes longer fails, and its process ends. */
  readonly jobTimeoutMs: number;
}

const isSource = import.meta.url.endsWith('.ts');
const CHILD = fileURLToPath(new URL(isSource ? './rewrite-child.ts' : './rewrite-child.js', import.meta.url));
/** The rest is Node's own and what DuckDB does not count: 220 to 370 MB measured. */
const DUCKDB_SHARE = 0.6;
const STDERR_CHARS_MAX = 4_000;

/** A process that rewrites files, one job after the other; started by the first. */
export class RewriteProcess {
  private readonly limits: RewriteLimits;
  private child: ChildProcess | null = null;
  private exited: Promise<void> = Promise.resolve();
  private stderr = '';
  private lastId = 0;

  constructor(limits: RewriteLimits) {
    this.limits = limits;
  }

  /** Throws `cancelled` when the signal aborts; the process is then gone. Not to be called again before it settles. */
  async rewrite(job: RewriteJob, signal: AbortSignal): Promise<readonly RewrittenFile[]> {
    if (signal.aborted) throw cancelled();
    const { jobTimeoutMs } = this.limits;
    const child = this.started();
    const id = ++this.lastId;
    const { promise, resolve, reject } = Promise.withResolvers<readonly RewrittenFile[]>();
    const onMessage = (response: RewriteResponse) => {
      if (response.id !== id) return;
      if ('files' in response) resolve(response.files);
      else reject(new Error(response.error));
    };
    const onExit = (code: number | null, by: NodeJS.Signals | null) => {
      const said = this.stderr.trim() || 'it said nothing';
      reject(new Error(`the rewriting process ended by ${by ?? `exit code ${code}`}: ${said}`));
    };
    const onError = (error: Error) => reject(error);
    const onAbort = () => reject(cancelled());
    const timer = setTimeout(() => reject(new Error(`rewriting took longer than ${jobTimeoutMs} ms`)), jobTimeoutMs);
    child.on('message', onMessage).once('exit', onExit).once('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      child.send({ id, job }, (error) => error !== null && reject(error));
      return await promise;
    } catch (error) {
      // Whatever it was, what the process still does is of no use.
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
    }
  }

  /** Resolves once the process is gone, with whatever it was doing. */
  async close(): Promise<void> {
    this.child?.kill('SIGKILL');
    this.child = null;
    await this.exited;
  }

  private started(): ChildProcess {
    if (this.child !== null) return this.child;
    const settings: RewriteSettings = { memoryBytes: Math.floor(this.limits.memoryBytesMax * DUCKDB_SHARE) };
    const conditions = isSource ? ['--conditions=k2-source'] : [];
    const child = spawn(
      process.execPath,
      [...conditions, '--max-old-space-size=256', CHILD, JSON.stringify(settings)],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' },
    );
    this.stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX);
    });
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      // A process that never was reports `error` and no `exit`.
      child.on('error', () => child.pid === undefined && resolve());
    });
    return (this.child = child);
  }
}
