import { PortError, type QueryEngineError } from '@k2/ports';
import type { DuckDbQueryEngineConfig } from './engine-config.ts';
import type { EngineMode } from './engine-messages.ts';
import { EngineProcess } from './engine-process.ts';

interface Slot {
  /** Null before the first use and after a start that failed: the next lease tries again. */
  process: Promise<EngineProcess> | null;
  isLeased: boolean;
}

/** A process of its own for one question, until it is released. */
export class EngineLease {
  readonly process: EngineProcess;
  /** When the reader was found not to read; null while it does. */
  stalledSinceMs: number | null = null;
  /** Ends the question that holds the lease. */
  readonly cut: (error: QueryEngineError) => void;
  private readonly pool: EnginePool;

  constructor(pool: EnginePool, process: EngineProcess, cut: (error: QueryEngineError) => void) {
    this.pool = pool;
    this.process = process;
    this.cut = cut;
  }

  /** The reader does not read: others may get a process in place of this one. */
  stalled(): void {
    this.stalledSinceMs = performance.now();
    this.pool.onStalled();
  }

  resumed(): void {
    this.stalledSinceMs = null;
  }

  release(): void {
    this.pool.onReleased(this);
  }
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
  private readonly leases = new Map<EngineLease, Slot>();
  /** Leases of stalled answers, whose slots were given to others. */
  private readonly parked = new Set<EngineLease>();
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

  get stalled(): number {
    return this.parked.size;
  }

  /** Starts the processes, so that the first questions find them warm. */
  async warm(): Promise<void> {
    await Promise.all(this.slots.map((slot) => this.started(slot)));
  }

  /**
   * A process of its own for the caller; rejects `overloaded` at the bound, or with the signal's reason. `cut` is called
   * if the answer has stalled and its process is needed.
   */
  async lease(signal: AbortSignal, cut: (error: QueryEngineError) => void): Promise<EngineLease> {
    signal.throwIfAborted();
    const slot = this.freeSlot() ?? (await this.waitForSlot(signal));
    try {
      const lease = new EngineLease(this, await raced(this.started(slot), signal), cut);
      this.leases.set(lease, slot);
      return lease;
    } catch (error) {
      this.handOver(slot);
      throw error;
    }
  }

  /** Gives a free slot to the next waiter. */
  onStalled(): void {
    if (this.waiters.size === 0) return;
    const slot = this.parkedSlot();
    if (slot !== null) this.handOver(slot);
  }

  onReleased(lease: EngineLease): void {
    if (this.parked.delete(lease)) {
      // Another process has taken its place already.
      lease.process.kill();
      return;
    }
    const slot = this.leases.get(lease);
    if (slot === undefined) return;
    this.leases.delete(lease);
    void this.recycle(slot, lease.process);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const waiter of this.waiters) waiter.reject(closedError());
    this.waiters.clear();
    const pooled = this.slots.map(({ process }) => process?.then((engine) => engine.end()));
    await Promise.allSettled([...pooled, ...[...this.parked].map(({ process }) => process.end())]);
  }

  private freeSlot(): Slot | null {
    if (this.isClosed) throw closedError();
    const slot = this.slots.find(({ isLeased }) => !isLeased) ?? null;
    if (slot !== null) slot.isLeased = true;
    return slot;
  }

  private waitForSlot(signal: AbortSignal): Promise<Slot> {
    // What is cut for it may be free at once.
    const slot = this.parkedSlot() ?? this.freeSlot();
    if (slot !== null) return Promise.resolve(slot);
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

  /** The slot of an answer that has stalled, free for another's process; null if none has, or all places are taken. */
  private parkedSlot(): Slot | null {
    const lease = longestStalled(this.leases.keys());
    if (lease === null || this.isClosed) return null;
    if (this.parked.size >= this.config.stalledMax) {
      const victim = longestStalled([...this.parked, lease])!;
      victim.cut(stalledTooLong(victim));
      // Its slot comes free by itself, once its process has stopped.
      if (victim === lease) return null;
      this.parked.delete(victim);
      victim.process.kill();
    }
    const slot = this.leases.get(lease)!;
    this.leases.delete(lease);
    this.parked.add(lease);
    slot.process = null;
    return slot;
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

  private async recycle(slot: Slot, engine: EngineProcess): Promise<void> {
    if (await engine.isWornOut()) engine.kill();
    // By then `replace`, which waited for the same, has put another process in its place.
    if (!engine.isAlive) await engine.exited;
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

function longestStalled(leases: Iterable<EngineLease>): EngineLease | null {
  let longest: EngineLease | null = null;
  for (const lease of leases) {
    if (lease.stalledSinceMs === null) continue;
    if (longest === null || lease.stalledSinceMs < longest.stalledSinceMs!) longest = lease;
  }
  return longest;
}

function stalledTooLong(lease: EngineLease): QueryEngineError {
  const stalledMs = Math.round(performance.now() - lease.stalledSinceMs!);
  const message = `the answer was cut: it had not been read for ${stalledMs} ms, and others waited for its process; read faster, or ask for less at a time`;
  return new PortError('timeout', message, { stalledMs });
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
