import type { Scheduler } from '@k2/ports';

/** Node's timers hold 31 bits of milliseconds; beyond, they would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class SystemScheduler implements Scheduler {
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    for (let leftMs = ms; leftMs > TIMER_MS_MAX && !signal?.aborted; leftMs -= TIMER_MS_MAX) {
      await timer(TIMER_MS_MAX, signal);
      ms = leftMs - TIMER_MS_MAX;
    }
    await timer(ms, signal);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timeout = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
