import { isPortError, PortError, type Clock, type QueryEngineError, type Random, type Scheduler } from '@k2/ports';
import type { TrinoClientConfig } from './trino-config.ts';

export interface TrinoRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface TrinoRequestsOptions {
  /** Of the server, as it may be shown. */
  readonly server: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly config: TrinoClientConfig;
}

/** A load balancer's, or a server's that is starting; 429 says itself when to come again. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Requests to Trino, repeated where that can help. Safe: a page can be asked for again, and a statement only reads. */
export class TrinoRequests {
  private readonly options: TrinoRequestsOptions;

  constructor(options: TrinoRequestsOptions) {
    this.options = options;
  }

  /** The body of a 200. Throws the signal's reason, or a PortError. */
  async body(request: TrinoRequest): Promise<string> {
    const { clock, config, random, scheduler } = this.options;
    const { signal } = request;
    const untilUs = clock.monotonicUs() + config.retryForMs * 1_000;
    for (let delayMs = config.retryDelayMs; ; delayMs = Math.min(2 * delayMs, config.retryDelayMaxMs)) {
      let waitMs = delayMs * (1 - random.next() / 2);
      try {
        return await this.attempt(request);
      } catch (error) {
        signal.throwIfAborted();
        if (!isPortError(error) || !error.retryable) throw error;
        const retryAfterMs = Number(error.context['retryAfterMs'] ?? 0);
        waitMs = Math.max(waitMs, retryAfterMs);
        if (clock.monotonicUs() + waitMs * 1_000 > untilUs) throw error;
      }
      await scheduler.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
  }

  private async attempt({ method, url, headers, body, signal }: TrinoRequest): Promise<string> {
    const { config, scheduler } = this.options;
    const answered = new AbortController();
    const late = new AbortController();
    void scheduler.sleep(config.requestTimeoutMs, answered.signal).then(() => late.abort());
    try {
      const response = await fetch(url, {
        method,
        headers,
        ...(body !== undefined && { body }),
        signal: AbortSignal.any([signal, late.signal]),
      });
      if (response.status !== 200 && response.status !== 204) throw await this.refusal(response);
      return await this.text(response);
    } catch (error) {
      if (isPortError(error)) throw error;
      const { cause, message } = error as Error;
      const why = late.signal.aborted
        ? `did not answer within ${config.requestTimeoutMs} ms`
        : `does not answer: ${cause instanceof Error && cause.message !== '' ? cause.message : message}`;
      throw this.failed('unavailable', `${why}; see whether it runs, and ask again`, {}, true, error);
    } finally {
      answered.abort();
    }
  }

  private async refusal(response: Response): Promise<QueryEngineError> {
    const { status, headers } = response;
    const said = (await this.text(response).catch(() => '')).trim().slice(0, 500);
    const what = `answered ${status}${said === '' ? '' : `: ${said}`}`;
    if (status === 401 || status === 403)
      return this.failed('unavailable', `${what}; see whether user and password are right`, { status });
    // It forgets queries when it starts anew, and when nobody asks for their pages.
    if (status === 404 || status === 410)
      return this.failed('unavailable', `${what}: it knows no such query; ask again`, { status });
    if (!PASSING.has(status)) return this.failed('unavailable', `${what}; is this the URL of a Trino?`, { status });
    const retryAfterMs = Number(headers.get('retry-after') ?? 0) * 1_000 || 0;
    const kind = status === 429 ? 'overloaded' : 'unavailable';
    return this.failed(kind, `${what}; ask again later`, { status, retryAfterMs }, true);
  }

  private async text(response: Response): Promise<string> {
    const { pageBytesMax } = this.options.config;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > pageBytesMax) {
        const message = `sent a page of more than ${pageBytesMax} bytes; ask for fewer fields`;
        throw this.failed('out-of-memory', message, { pageBytesMax });
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  private failed(
    kind: QueryEngineError['kind'],
    what: string,
    context: Readonly<Record<string, unknown>>,
    retryable = false,
    cause?: unknown,
  ): QueryEngineError {
    const { server } = this.options;
    return new PortError(kind, `Trino at ${server} ${what}`, { server, ...context }, { retryable, cause });
  }
}
