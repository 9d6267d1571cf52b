import type { Counter, Histogram, Telemetry } from '@k2/ports';

const NO_COUNTER: Counter = { add: () => undefined };
const NO_HISTOGRAM: Histogram = { record: () => undefined };

/** Telemetry that goes nowhere: for one-off commands, where nobody collects it. */
export class SilentTelemetry implements Telemetry {
  counter(): Counter {
    return NO_COUNTER;
  }
  histogram(): Histogram {
    return NO_HISTOGRAM;
  }
  gauge(): void {
    // Never collected, so never read.
  }
  log(): void {
    // Nobody listens.
  }
}
