import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdapterContext, Telemetry } from '@k2/ports';

/** What K2 gives to an adapter that it opens: real time and chance, telemetry that goes nowhere. */
export function testContext(scratchDirectory: string, env: AdapterContext['env'] = {}): AdapterContext {
  return {
    clock: { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 },
    random: {
      next: () => Math.random(),
      uuid: () => randomUUID(),
      int63: () => BigInt.asUintN(63, randomBytes(8).readBigUInt64LE()),
    },
    scheduler: {
      sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
      yield: () => sleep(0),
    },
    telemetry: SILENT,
    env,
    scratchDirectory,
  };
}

const SILENT: Telemetry = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ record: () => undefined }),
  gauge: () => undefined,
  log: () => undefined,
};
