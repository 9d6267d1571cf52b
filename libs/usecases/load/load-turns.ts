import type { Scheduler } from '@k2/ports';

/** How often a load that waits is told what it waits for: whoever asked for it sees that it lives. */
const TOLD_INTERVAL_MS = 5_000;

/**
 * One load at a time. A load is compared with what the lake has of its sessions, which is only right while no other brings
 * rows of them that are not committed.
 */
export class LoadTurns {
  private readonly scheduler: Scheduler;
  private current: { readonly feed: string; readonly ended: Promise<void> } | null = null;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** Begins the work once no other is under way; null if the signal aborts first. `waits` hears which feed is. */
  async take<Result>(
    feed: string,
    signal: AbortSignal,
    waits: (ahead: string) => void,
    work: () => Promise<Result>,
  ): Promise<Result | null> {
    while (this.current !== null) {
      if (signal.aborted) return null;
      const { feed: ahead, ended } = this.current;
      waits(ahead);
      const woken = new AbortController();
      await Promise.race([ended, this.scheduler.sleep(TOLD_INTERVAL_MS, AbortSignal.any([signal, woken.signal]))]);
      woken.abort();
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.current = { feed, ended };
    try {
      return await work();
    } finally {
      this.current = null;
      end();
    }
  }
}
