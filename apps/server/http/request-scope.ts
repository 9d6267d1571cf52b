import type { FastifyReply } from 'fastify';
import { PortError, type AskOptions, type Clock, type Scheduler } from '@k2/ports';
import { oneDeadline, type TimeLeft } from '@k2/usecases';

/** Time beyond the engine's own deadline after which a request is given up. */
const GRACE_MS = 1_000;

/**
 * A request's deadline, from now on over all of its steps, and the caller's presence: what still runs for it when its
 * response is over is cancelled.
 */
export class RequestScope {
  private readonly scheduler: Scheduler;
  private readonly left: TimeLeft;
  private readonly over: AbortController = new AbortController();

  constructor(
    reply: FastifyReply,
    { clock, scheduler }: { readonly clock: Clock; readonly scheduler: Scheduler },
    timeoutMs: number,
  ) {
    if (reply.raw.destroyed) this.over.abort();
    else reply.raw.once('close', () => this.over.abort());
    this.scheduler = scheduler;
    this.left = oneDeadline(clock, { timeoutMs, signal: this.over.signal });
  }

  /** For the step that begins now. */
  get options(): AskOptions {
    return this.left();
  }

  /**
   * The work's result, or `timeout` if the request takes longer than its deadline; for what has no deadline of its own. A
   * result that comes too late goes to `discard`; an answer is disposed of.
   */
  async within<Result>(work: Promise<Result>, discard: (late: Result) => unknown = disposed): Promise<Result> {
    const { timeoutMs, spentMs = 0 } = this.options;
    const done = new AbortController();
    const late = this.scheduler.sleep(Math.max(0, timeoutMs - spentMs) + GRACE_MS, done.signal).then(() => {
      if (done.signal.aborted) return work;
      this.over.abort();
      work.then(discard).catch(() => undefined);
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

async function disposed(late: unknown): Promise<void> {
  const { answer = late } = (late ?? {}) as { readonly answer?: unknown };
  await (answer as Partial<AsyncDisposable> | null)?.[Symbol.asyncDispose]?.();
}
