import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Scheduler, Telemetry } from '@k2/ports';

export const clock: Clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 };

export const scheduler: Scheduler = {
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  yield: () => new Promise((resolve) => setImmediate(resolve)),
};

export const silent: Telemetry = {
  counter: () => ({ add: () => {} }),
  histogram: () => ({ record: () => {} }),
  gauge: () => {},
  log: () => {},
};
