import type { FastifyReply } from 'fastify';
import { PortError, type AskOptions, type Scheduler } from '@k2/ports';

/** Time beyond the engine's own deadline after which a request is given up. */
const GRACE_MS = 1_000;

/** A request's deadline and the caller's presence: work for a caller who is gone is cancelled. */
export class RequestScope {
  readonly options: AskOptions & { readonly signal: AbortSignal };
  private readonly scheduler: Scheduler;
  private readonly given: AbortController = new AbortController();

  constructor(reply: FastifyReply, scheduler: Scheduler, timeoutMs: number) {
    reply.raw.once('close', () => {
      if (!reply.raw.writableEnded) this.given.abort();
    });
    this.scheduler = scheduler;
    this.options = { timeoutMs, signal: this.given.signal };
  }

  /** The work's result, or `timeout` if it takes longer than the deadline; for what has no deadline of its own. */
  async within<Result>(work: Promise<Result>): Promise<Result> {
    const { timeoutMs } = this.options;
    const done = new AbortController();
    const late = this.scheduler.sleep(timeoutMs + GRACE_MS, done.signal).then(() => {
      if (done.signal.aborted) return work;
      this.given.abort();
      throw new PortError('timeout', `no answer within ${timeoutMs} ms: ask for less`, { timeoutMs });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
      late.catch(() => undefined);
    }
  }
}
