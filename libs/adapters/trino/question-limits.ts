import { PortError, type AskOptions, type QueryEngineError, type Scheduler } from '@k2/ports';

/** A deadline and the caller's signal as one signal, whose reason is the PortError to report. */
export class QuestionLimits {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly ended = new AbortController();
  private readonly callerSignal: AbortSignal | undefined;
  private readonly onCallerAbort = () => this.abort(new PortError('cancelled', 'the caller cancelled the question'));

  constructor({ timeoutMs, spentMs = 0, signal }: AskOptions, scheduler: Scheduler) {
    this.signal = this.controller.signal;
    this.callerSignal = signal;
    void scheduler.sleep(Math.max(0, timeoutMs - spentMs), this.ended.signal).then(() => {
      if (!this.ended.signal.aborted) this.abort(timedOut(timeoutMs));
    });
    if (signal?.aborted) this.onCallerAbort();
    signal?.addEventListener('abort', this.onCallerAbort, { once: true });
  }

  abort(error: QueryEngineError): void {
    this.controller.abort(error);
  }

  /** Nothing can fail any more. */
  end(): void {
    this.ended.abort();
    this.callerSignal?.removeEventListener('abort', this.onCallerAbort);
  }
}

function timedOut(timeoutMs: number): QueryEngineError {
  const message = `the question was not answered within ${timeoutMs} ms; narrow it by time or symbol, or give it longer`;
  return new PortError('timeout', message, { timeoutMs });
}
