import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random, Scheduler } from '@k2/ports';

const clock: Clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => Math.floor(performance.now() * 1_000) };
const random: Random = { next: () => randomInt(2 ** 32) / 2 ** 32, uuid: () => '', int63: () => 1n };
const scheduler: Scheduler = {
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  yield: () => sleep(0),
};

export const systemPorts = { clock, random, scheduler };
