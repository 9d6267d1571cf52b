import { PortError, type AskOptions, type QueryEngineError } from '@k2/ports';

/** Node's timers fire at once for anything longer. */
const TIMER_MS_MAX = 2_147_483_647;

/** A deadline and the caller's signal as one signal, whose reason is the PortError to report. */
export class QuestionLimits {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly callerSignal: AbortSignal | undefined;
  private readonly onCallerAbort = () => this.abort(cancelled());

  constructor({ timeoutMs, spentMs = 0, signal }: AskOptions) {
    this.signal = this.controller.signal;
    this.callerSignal = signal;
    const leftMs = Math.min(Math.max(0, timeoutMs - spentMs), TIMER_MS_MAX);
    this.timer = setTimeout(() => this.abort(timedOut(timeoutMs)), leftMs);
    if (signal?.aborted) this.onCallerAbort();
    signal?.addEventListener('abort', this.onCallerAbort, { once: true });
  }

  /** The first reason counts. */
  abort(error: QueryEngineError): void {
    this.controller.abort(error);
  }

  end(): void {
    clearTimeout(this.timer);
    this.callerSignal?.removeEventListener('abort', this.onCallerAbort);
  }
}

function timedOut(timeoutMs: number): QueryEngineError {
  const message = `the question was not answered within ${timeoutMs} ms; narrow it by time or symbol, or give it longer`;
  return new PortError('timeout', message, { timeoutMs });
}

function cancelled(): QueryEngineError {
  return new PortError('cancelled', 'the caller cancelled the question');
}
