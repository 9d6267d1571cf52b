import type { Clock, Random, Scheduler } from '@k2/ports';

/** Time that passes only where somebody sleeps, and then at once. Deadlines, of 20 s and more, come when told to. */
export class HastyTime implements Clock, Scheduler {
  readonly sleptMs: number[] = [];
  private us = 0;
  private readonly deadlines = new Set<() => void>();

  nowUs(): number {
    return this.us;
  }

  monotonicUs(): number {
    return this.us;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms >= DEADLINE_MS_MIN) {
      return new Promise((resolve) => {
        this.deadlines.add(resolve);
        signal?.addEventListener('abort', () => (this.deadlines.delete(resolve), resolve()), { once: true });
      });
    }
    this.sleptMs.push(ms);
    this.us += ms * 1_000;
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Every deadline that is set comes now. */
  passDeadlines(): void {
    for (const resolve of this.deadlines) resolve();
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** What retries never wait for. */
const DEADLINE_MS_MIN = 20_000;

export const noChance: Random = { next: () => 0, uuid: () => '0', int63: () => 1n };
