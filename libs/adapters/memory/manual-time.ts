import type { Clock, Scheduler } from '@k2/ports';

/** A clock that stands still until told otherwise. */
export class ManualClock implements Clock {
  private wallUs: number;
  private elapsedUs = 0;

  constructor(startUs = 0) {
    this.wallUs = startUs;
  }

  nowUs(): number {
    return this.wallUs;
  }

  monotonicUs(): number {
    return this.elapsedUs;
  }

  advanceUs(us: number): void {
    if (!(us >= 0)) throw new RangeError(`time cannot pass by ${us} µs: use stepWallUs to set the clock back`);
    this.wallUs += us;
    this.elapsedUs += us;
  }

  /** Someone sets the machine's clock, forwards or back; durations are not affected. */
  stepWallUs(us: number): void {
    this.wallUs += us;
  }
}

interface Sleeper {
  readonly dueUs: number;
  readonly wake: () => void;
}

/** Time passes when `advance` says so, and the sleepers wake in the order of their times. */
export class ManualScheduler implements Scheduler {
  private readonly clock: ManualClock;
  private readonly sleepers: Sleeper[] = [];

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  get sleeperCount(): number {
    return this.sleepers.length;
  }

  /** On the clock's monotonic time; null while nobody sleeps. */
  get nextDueUs(): number | null {
    return this.sleepers[0]?.dueUs ?? null;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', interrupt);
        resolve();
      };
      const sleeper = { dueUs: this.clock.monotonicUs() + Math.max(0, ms) * 1_000, wake };
      const interrupt = () => {
        this.sleepers.splice(this.sleepers.indexOf(sleeper), 1);
        wake();
      };
      signal?.addEventListener('abort', interrupt, { once: true });
      const later = this.sleepers.findIndex(({ dueUs }) => dueUs > sleeper.dueUs);
      this.sleepers.splice(later === -1 ? this.sleepers.length : later, 0, sleeper);
    });
  }

  async yield(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Lets the time pass. What a sleeper does at its time is done before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const untilUs = this.clock.monotonicUs() + ms * 1_000;
    await this.yield();
    for (let next = this.sleepers[0]; next !== undefined && next.dueUs <= untilUs; next = this.sleepers[0]) {
      this.sleepers.shift();
      this.clock.advanceUs(next.dueUs - this.clock.monotonicUs());
      next.wake();
      await this.yield();
    }
    this.clock.advanceUs(untilUs - this.clock.monotonicUs());
  }
}
