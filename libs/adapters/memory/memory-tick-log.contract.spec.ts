import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Scheduler } from '@k2/ports';
import { tickLogContract } from '@k2/testing/contracts';
import { MemoryTickLog } from './memory-tick-log.ts';
import { SeededRandom } from './seeded-random.ts';

/** Real time: the contract waits for real. */
const clock: Clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 };
const scheduler: Scheduler = {
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  yield: () => sleep(0),
};

tickLogContract('memory', {
  capabilities: { durable: false, bounded: true, damageable: true, trims: true },
  create: async (options) => {
    const log = new MemoryTickLog({ clock, scheduler, random: new SeededRandom(1), ...options });
    return {
      log,
      damage: async (at) => {
        log.overwrite(at, new TextEncoder().encode('not a block'));
        return log;
      },
      close: () => log.close(),
    };
  },
});
