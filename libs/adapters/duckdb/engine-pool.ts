import { PortError } from '@k2/ports';
import type { DuckDbQueryEngineConfig } from './engine-config.ts';
import type { EngineMode } from './engine-messages.ts';
import { EngineProcess } from './engine-process.ts';

interface Slot {
  /** Null before the first use and after a start that failed: the next lease tries again. */
  process: Promise<EngineProcess> | null;
  isLeased: boolean;
}

export interface EngineLease {
  readonly process: EngineProcess;
  release(): void;
}

interface Waiter {
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

/** A fixed number of engine processes, lent to one question each, with a bounded queue in front. */
export class EnginePool {
  private readonly mode: EngineMode;
  private readonly config: DuckDbQueryEngineConfig;
  private readonly slots: readonly Slot[];
  private readonly waiters = new Set<Waiter>();
  private isClosed = false;
  restarts = 0;

  constructor(mode: EngineMode, size: number, config: DuckDbQueryEngineConfig) {
    this.mode = mode;
    this.config = config;
    this.slots = Array.from({ length: size }, () => ({ process: null, isLeased: false }));
  }

  get running(): number {
    return this.slots.filter(({ isLeased }) => isLeased).length;
  }

  get waiting(): number {
    return this.waiters.size;
  }

  /** Starts the processes, so that the first questions find them warm. */
  async warm(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.started(slot)));
  }

  /** A process of its own for the caller; rejects `overloaded` at the bound, or with the signal's reason. */
  async lease(signal: AbortSignal): Promise<EngineLease> {
    signal.throwIfAborted();
    const slot = this.freeSlot() ?? (await this.waitForSlot(signal));
    try {
      const process = await raced(this.started(slot), signal);
      return { process, release: () => this.release(slot, process) };
    } catch (error) {
      this.handOver(slot);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const waiter of this.waiters) waiter.reject(closedError());
    this.waiters.clear();
    await Promise.allSettled(this.slots.map(({ process }) => process?.then((engine) => engine.end())));
  }

  private freeSlot(): Slot | null {
    if (this.isClosed) throw closedError();
    const slot = this.slots.find(({ isLeased }) => !isLeased) ?? null;
    if (slot !== null) slot.isLeased = true;
    return slot;
  }

  private waitForSlot(signal: AbortSignal): Promise<Slot> {
    const { waitingMax } = this.config;
    if (this.waiters.size >= waitingMax) {
      const context = { running: this.running, runningMax: this.slots.length, waiting: this.waiters.size, waitingMax };
      const message = `${context.running} of ${context.runningMax} questions run and ${context.waiting} of ${waitingMax} wait (${this.mode} pool): ask again in a moment`;
      throw new PortError('overloaded', message, context, { retryable: true });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiter: Waiter = { resolve, reject };
    const onAbort = () => {
      this.waiters.delete(waiter);
      reject(signal.reason);
    };
    this.waiters.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  private started(slot: Slot): Promise<EngineProcess> {
    slot.process ??= this.start(slot);
    return slot.process;
  }

  private start(slot: Slot): Promise<EngineProcess> {
    const starting = EngineProcess.start(this.mode, this.config);
    starting.then(
      (engine) => {
        void engine.exited.then(() => this.replace(slot, starting));
        if (this.isClosed) engine.kill();
      },
      () => {
        if (slot.process === starting) slot.process = null;
      },
    );
    return starting;
  }

  private replace(slot: Slot, dead: Promise<EngineProcess>): void {
    if (slot.process !== dead) return;
    slot.process = null;
    if (this.isClosed) return;
    this.restarts++;
    // Warm before it is asked for. A start that fails is tried, and reported, by the next lease.
    this.started(slot).catch(() => {});
  }

  private release(slot: Slot, engine: EngineProcess): void {
    if (engine.isWornOut) engine.kill();
    if (!engine.isAlive || engine.isWornOut) {
      // By then `replace`, which waited for the same, has put another process in its place.
      void engine.exited.then(() => this.handOver(slot));
      return;
    }
    this.handOver(slot);
  }

  private handOver(slot: Slot): void {
    const [waiter] = this.waiters;
    if (waiter === undefined) {
      slot.isLeased = false;
      return;
    }
    this.waiters.delete(waiter);
    waiter.resolve(slot);
  }
}

function closedError(): PortError {
  return new PortError('unavailable', 'the query engine is closed');
}

/** The promise, or the signal's reason if that is first. The promise goes on. */
function raced<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
