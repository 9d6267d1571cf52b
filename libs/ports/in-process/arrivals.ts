import type { Scheduler } from '../index.ts';

/** Long polling: readers wait here for what `notify` may have brought. */
export class Arrivals {
  private readonly scheduler: Scheduler;
  private readonly waiting = new Set<() => void>();

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** Each waiting reader looks again whether it is ready. An error thrown by a look goes to that reader; the notifier continues. */
  notify(): void {
    for (const look of [...this.waiting]) look();
  }

  /** Resolves when `ready` says so after a `notify`, when the time has passed or the signal aborts. */
  async wait(ready: () => boolean, waitMs: number, signal?: AbortSignal): Promise<void> {
    if (ready() || waitMs <= 0 || signal?.aborted) return;
    const woken = new AbortController();
    let failure: { readonly error: unknown } | null = null as { readonly error: unknown } | null;
    const look = () => {
      try {
        if (ready()) woken.abort();
      } catch (error) {
        failure = { error };
        woken.abort();
      }
    };
    const abort = () => woken.abort();
    this.waiting.add(look);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.scheduler.sleep(waitMs, woken.signal);
    } finally {
      this.waiting.delete(look);
      signal?.removeEventListener('abort', abort);
    }
    if (failure !== null) throw failure.error;
  }
}
