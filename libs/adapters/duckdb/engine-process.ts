import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PortError, type QueryEngineError } from '@k2/ports';
import type { DuckDbQueryEngineConfig } from './engine-config.ts';
import { engineConfinement, type Confinement } from './engine-confinement.ts';
import type {
  EngineMessage,
  EngineMode,
  EngineOutcome,
  EngineReply,
  EngineRequest,
  EngineSettings,
  EngineTask,
} from './engine-messages.ts';
import { residentBytes } from './resident-bytes.ts';

const isSource = import.meta.url.endsWith('.ts');
const CHILD = fileURLToPath(new URL(isSource ? './engine-child.ts' : './engine-child.js', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const WATCH_INTERVAL_MS = 50;
/** What Node maps for itself and the limit counts, though hardly any of it is ever touched (640 MB measured). */
const NODE_DATA_BYTES = 805_306_368;
/** DuckDB's soft limit lies below the process's cap: most queries that need too much end by it, and tidily. */
const DUCKDB_SHARE = 0.6;
/**
 * Of the memory cap, beyond what the process had when it was ready: what questions freed does not all go back to the
 * system, and is counted against the next one, which has to find room for DuckDB's share.
 */
const KEPT_SHARE_MAX = 0.25;
const STDERR_CHARS_MAX = 4_000;

export interface RunListener {
  onReply(reply: EngineReply): void;
  /** The process did not outlive the run. */
  onDeath(error: QueryEngineError): void;
}

/** One engine process: runs one task at a time, under a memory cap, and can always be killed. */
export class EngineProcess {
  runs = 0;
  /** What it held when it was ready. */
  private freshBytes = 0;
  private readonly child: ChildProcess;
  private readonly config: DuckDbQueryEngineConfig;
  private current: { readonly id: number; readonly listener: RunListener; settle(): void } | null = null;
  private killTimer: NodeJS.Timeout | undefined;
  private watchTimer: NodeJS.Timeout | undefined;
  private isOverMemory = false;
  /** A question has ended for lack of memory: what it left allocated would be counted against the next. */
  private hasRunOut = false;
  private stderr = '';
  readonly exited: Promise<void>;

  static async start(mode: EngineMode, config: DuckDbQueryEngineConfig): Promise<EngineProcess> {
    const engine = new EngineProcess(mode, config, await engineConfinement());
    await engine.ready();
    return engine;
  }

  private constructor(mode: EngineMode, config: DuckDbQueryEngineConfig, confinement: Confinement) {
    this.config = config;
    this.child = spawnEngine(mode, config, confinement);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX);
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.die(code, signal);
        resolve();
      });
      // Only a process that never was reports `error` and no `exit`.
      this.child.once('error', (error) => {
        this.stderr += error.message;
        if (this.child.pid === undefined) {
          this.die(null, null);
          resolve();
        }
      });
    });
    this.child.on('message', (message: EngineMessage) => {
      if (message.kind === 'reply') this.receive(message);
    });
    // A server that has nothing else to do may end; the engine ends with it.
    this.child.unref();
    this.child.channel?.unref();
  }

  /** Not once it was killed: its last reply may be received before its end is seen, and it would take the next run along. */
  get isAlive(): boolean {
    const { pid, exitCode, signalCode, killed } = this.child;
    return pid !== undefined && exitCode === null && signalCode === null && !killed;
  }

  private async ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(this.startError(`did not start within ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    );
    this.child.once('message', () => resolve());
    void this.exited.then(() => reject(this.startError('ended as it started')));
    try {
      await promise;
      this.freshBytes = await this.residentBytes();
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private startError(what: string): QueryEngineError {
    return new PortError(
      'unavailable',
      `an engine process ${what}: ${this.stderr.trim() || 'it said nothing'}; ask again, and look at its memory cap if it persists`,
      {},
      { retryable: true },
    );
  }

  /** Resolves once the process reads none of the task's files any more: idle again, or dead, which it may be already. */
  run(task: EngineTask, listener: RunListener): Promise<void> {
    const id = ++this.runs;
    if (!this.isAlive) {
      listener.onDeath(this.deathError(this.child.exitCode, this.child.signalCode));
      return Promise.resolve();
    }
    this.child.ref();
    this.child.channel?.ref();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.current = { id, listener, settle: resolve };
    this.stderr = '';
    this.watchTimer = setInterval(() => void this.watchMemory(id), WATCH_INTERVAL_MS);
    this.send({ kind: 'run', id, task });
    return promise;
  }

  credit(): void {
    if (this.current !== null) this.send({ kind: 'credit', id: this.current.id });
  }

  /** Interrupts the run, and kills the process if that does not end it: some functions never look up. */
  stop(): void {
    if (this.current === null || this.killTimer !== undefined) return;
    this.send({ kind: 'stop', id: this.current.id });
    this.killTimer = setTimeout(() => this.kill(), this.config.killGraceMs);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  /**
   * Whether the next question should get a new process: this one has run out of memory, has served its time, or kept too
   * much of what its questions used. Only between questions.
   */
  async isWornOut(): Promise<boolean> {
    const { questionsPerProcessMax, memoryBytesMax } = this.config;
    if (this.hasRunOut || this.runs >= questionsPerProcessMax) return true;
    return (await this.residentBytes()) - this.freshBytes > memoryBytesMax * KEPT_SHARE_MAX;
  }

  /** Resolves once the process is gone. */
  async end(): Promise<void> {
    this.child.ref();
    this.kill();
    await this.exited;
  }

  private send(request: EngineRequest): void {
    // A process that cannot be reached is of no use; its exit ends the run.
    if (!this.child.connected) this.kill();
    else this.child.send(request, (error) => error !== null && this.kill());
  }

  private receive(reply: EngineReply): void {
    const { current } = this;
    if (current?.id !== reply.id) return;
    if (reply.done !== undefined) this.becomeIdle();
    if (reply.done?.kind === 'failed' && reply.done.errorKind === 'out-of-memory') this.hasRunOut = true;
    current.listener.onReply(reply.done === undefined ? reply : { ...reply, done: this.explained(reply.done) });
    if (reply.done !== undefined) current.settle();
  }

  private explained(outcome: EngineOutcome): EngineOutcome {
    if (outcome.kind !== 'failed' || outcome.errorKind !== 'out-of-memory') return outcome;
    return {
      ...outcome,
      message: `the question needs more than the ${this.config.memoryBytesMax} bytes an engine process may use: ${outcome.message}; narrow it by time or symbol`,
    };
  }

  private becomeIdle(): void {
    this.current = null;
    clearTimeout(this.killTimer);
    clearInterval(this.watchTimer);
    this.killTimer = undefined;
    this.child.unref();
    this.child.channel?.unref();
  }

  private die(code: number | null, signal: NodeJS.Signals | null): void {
    const { current } = this;
    this.becomeIdle();
    if (current === null) return;
    current.listener.onDeath(this.deathError(code, signal));
    current.settle();
  }

  private deathError(code: number | null, signal: NodeJS.Signals | null): QueryEngineError {
    const { memoryBytesMax } = this.config;
    if (this.isOverMemory || /out of memory|bad_alloc|allocation failed|cannot allocate/i.test(this.stderr)) {
      return new PortError(
        'out-of-memory',
        `the question went over the ${memoryBytesMax} bytes an engine process may use and was killed; narrow it by time or symbol`,
        { memoryBytesMax },
      );
    }
    const how = signal ?? `exit code ${code}`;
    return new PortError(
      'unavailable',
      `the engine process ended by ${how}: ${this.stderr.trim() || 'it said nothing'}; ask again: a new one takes its place`,
      { how },
      { retryable: true },
    );
  }

  /** `id`: of the run whose memory is looked at; the next one does not answer for it. */
  private async watchMemory(id: number): Promise<void> {
    const bytes = await this.residentBytes();
    if (bytes <= this.config.memoryBytesMax || this.current?.id !== id) return;
    this.isOverMemory = true;
    this.kill();
  }

  /** Zero where nothing tells. */
  private async residentBytes(): Promise<number> {
    const { pid } = this.child;
    return pid === undefined ? 0 : ((await residentBytes(pid)) ?? 0);
  }
}

function spawnEngine(mode: EngineMode, config: DuckDbQueryEngineConfig, confinement: Confinement): ChildProcess {
  const settings: EngineSettings = {
    mode,
    threads: config.threadsPerProcess,
    duckDbMemoryBytesMax: Math.floor(config.memoryBytesMax * DUCKDB_SHARE),
  };
  const conditions = isSource ? ['--conditions=k2-source'] : [];
  const child = [...conditions, '--max-old-space-size=256', CHILD, JSON.stringify(settings)];
  const [program, ...args] = confinedCommand([process.execPath, ...child], config.memoryBytesMax, confinement);
  return spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    // Nothing of the server's environment: user SQL runs in there.
    env: { PATH: process.env['PATH'], TZ: 'UTC', LANG: 'C.UTF-8', ...systemRoot() },
  });
}

/** The command under the memory limit and the rights of an engine process. */
export function confinedCommand(
  command: readonly string[],
  memoryBytesMax: number,
  { prefix }: Confinement,
): readonly string[] {
  if (process.platform === 'win32') return command;
  const limitKb = Math.ceil((memoryBytesMax + NODE_DATA_BYTES) / 1_024);
  return ['/bin/sh', '-c', `ulimit -d ${limitKb}; exec "$0" "$@"`, ...prefix, ...command];
}

function systemRoot(): NodeJS.ProcessEnv {
  return process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {};
}
