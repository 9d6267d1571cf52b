import type { FastifyReply } from 'fastify';
import { PortError, type AskOptions, type Scheduler } from '@k2/ports';

/** Time beyond the engine's own deadline after which a request is given up. */
const GRACE_MS = 1_000;

/** A request's deadline and the caller's presence: what still runs for it when its response is over is cancelled. */
export class RequestScope {
  readonly options: AskOptions & { readonly signal: AbortSignal };
  private readonly scheduler: Scheduler;
  private readonly over: AbortController = new AbortController();

  constructor(reply: FastifyReply, scheduler: Scheduler, timeoutMs: number) {
    if (reply.raw.destroyed) this.over.abort();
    else reply.raw.once('close', () => this.over.abort());
    this.scheduler = scheduler;
    this.options = { timeoutMs, signal: this.over.signal };
  }

  /**
   * The work's result, or `timeout` if it takes longer than the deadline; for what has no deadline of its own. A result
   * that comes too late goes to `discard`; an answer is disposed of.
   */
  async within<Result>(work: Promise<Result>, discard: (late: Result) => unknown = disposed): Promise<Result> {
    const { timeoutMs } = this.options;
    const done = new AbortController();
    const late = this.scheduler.sleep(timeoutMs + GRACE_MS, done.signal).then(() => {
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
