import type { Clock } from '@k2/ports';

/** How far the interpolated time may differ from the machine's clock, which counts milliseconds, before that was set. */
const DRIFT_US_MAX = 2_000;

/** The machine's clock, with microseconds interpolated from the monotonic one; follows when the clock is set. */
export class SystemClock implements Clock {
  private anchorUs = wallUs() - this.monotonicUs();

  nowUs(): number {
    const nowUs = this.anchorUs + this.monotonicUs();
    const machineUs = wallUs();
    if (Math.abs(nowUs - machineUs) <= DRIFT_US_MAX) return nowUs;
    this.anchorUs = machineUs - this.monotonicUs();
    return machineUs;
  }

  /** Counts from the start of the process's (or the worker's) timeline. */
  monotonicUs(): number {
    return Math.floor(performance.now() * 1_000);
  }
}

const wallUs = () => Date.now() * 1_000;
