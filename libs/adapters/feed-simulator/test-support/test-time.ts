import type { Clock, Scheduler } from '@k2/ports';

/** A clock that moves by itself a little at each look, and by the whole of each sleep. */
export class TestTime implements Clock, Scheduler {
  private us = 1_767_600_000_000_000;

  nowUs(): number {
    return (this.us += 10);
  }
  monotonicUs(): number {
    return this.nowUs() - 1_700_000_000_000_000;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted !== true) this.us += ms * 1_000;
  }
  /** A real turn of the event loop. */
  yield(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }
}
