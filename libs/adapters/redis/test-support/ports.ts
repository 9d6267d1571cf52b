import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random, Scheduler, Telemetry } from '@k2/ports';

/** The machine's time and chance. */
export const systemPorts: { readonly clock: Clock; readonly random: Random; readonly scheduler: Scheduler } = {
  clock: { nowUs: () => Date.now() * 1_000, monotonicUs: () => Math.floor(performance.now() * 1_000) },
  random: { next: () => randomInt(2 ** 32) / 2 ** 32, uuid: () => '', int63: () => 1n },
  scheduler: {
    sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
    yield: () => sleep(0),
  },
};

/** Telemetry that a spec reads. */
export class CountingTelemetry implements Telemetry {
  readonly lines: string[] = [];
  private readonly sums = new Map<string, number>();

  counter(name: string) {
    return { add: (value: number) => void this.sums.set(name, this.sum(name) + value) };
  }

  histogram() {
    return { record: () => undefined };
  }

  gauge(): void {}

  log(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
  }

  sum(name: string): number {
    return this.sums.get(name) ?? 0;
  }
}

/** Polls until it holds; fails after ten seconds. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await holds()) return;
    await sleep(10);
  }
  throw new Error(`waited ten seconds for: ${what}`);
}
