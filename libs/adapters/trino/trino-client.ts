import { PortError, type Clock, type Random, type Scheduler } from '@k2/ports';
import { TRINO_CLIENT_DEFAULTS, type TrinoClientConfig } from './trino-config.ts';
import { queryError, type TrinoFailure } from './trino-error.ts';
import { TrinoRequests } from './trino-requests.ts';

export interface TrinoClientOptions {
  /** Base URL of the coordinator, or of what stands before it. */
  readonly url: string;
  readonly user: string;
  /** Sent over https alone; none where absent. */
  readonly password?: string;
  /** Who asks, in Trino's own words: what its resource groups go by. */
  readonly source: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly config?: Partial<TrinoClientConfig>;
}

export interface TrinoColumn {
  readonly name: string;
  /** As Trino prints it: `decimal(18, 8)`. */
  readonly type: string;
}

export interface TrinoPage {
  readonly columns: readonly TrinoColumn[];
  readonly rows: readonly (readonly unknown[])[];
  /** The rows once more, with integers beyond 2^53 as bigint. */
  exactRows(): readonly (readonly unknown[])[];
}

export interface StatementOptions {
  readonly signal: AbortSignal;
  /** Session properties by name. */
  readonly session?: Readonly<Record<string, string>>;
}

interface StatementAnswer {
  readonly id?: string;
  readonly nextUri?: string;
  readonly columns?: readonly TrinoColumn[];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: TrinoFailure;
}

/**
 * Statements over Trino's client protocol. https://trino.io/docs/current/develop/client-protocol.html
 * Throws PortErrors of the QueryEngine port, and the signal's reason where that aborts.
 */
export class TrinoClient {
  private readonly url: URL;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly authorization: string | null;
  private readonly requests: TrinoRequests;
  private readonly scheduler: Scheduler;
  private readonly cancelTimeoutMs: number;
  private readonly cancelling = new Set<Promise<void>>();

  constructor(options: TrinoClientOptions) {
    const { url, user, password = '', source, scheduler, config } = options;
    this.url = baseUrl(url);
    if (password !== '' && this.url.protocol !== 'https:') {
      throw new PortError(
        'misconfigured',
        `a password for Trino would go to ${this.url.origin} in the clear: use https`,
      );
    }
    this.authorization = password === '' ? null : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    this.headers = {
      'X-Trino-User': user,
      'X-Trino-Source': source,
      'X-Trino-Time-Zone': 'UTC',
      // Without it times come cut to milliseconds.
      'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME',
      // Compressing costs Trino more than the network does.
      'Accept-Encoding': 'identity',
    };
    const merged = { ...TRINO_CLIENT_DEFAULTS, ...config };
    this.scheduler = scheduler;
    this.cancelTimeoutMs = merged.requestTimeoutMs;
    this.requests = new TrinoRequests({ ...options, server: this.url.origin, config: merged });
  }

  /**
   * The pages of one statement's answer, those without rows too, so that the columns are known early. Pulled: Trino
   * waits for a slow reader. Ending the iteration early cancels the statement.
   */
  async *pages(sql: string, { signal, session = {} }: StatementOptions): AsyncGenerator<TrinoPage, void, undefined> {
    const headers = { ...sessionHeader(session), 'Content-Type': 'text/plain; charset=utf-8' };
    let text = await this.ask({ method: 'POST', url: new URL('v1/statement', this.url), headers, body: sql, signal });
    let nextUri: string | undefined;
    try {
      for (;;) {
        const { id = '', columns, data, error, ...answer } = this.parsed(text);
        nextUri = answer.nextUri;
        if (error !== undefined) throw queryError(error, id);
        const ofPage = text;
        if (columns !== undefined) yield { columns, rows: data ?? [], exactRows: () => exactRows(ofPage) };
        if (nextUri === undefined) return;
        text = await this.ask({ method: 'GET', url: new URL(nextUri), headers: {}, signal });
      }
    } finally {
      if (nextUri !== undefined) this.cancel(nextUri);
    }
  }

  /** Returns when Trino knows of every statement that was ended early, or cannot be told. */
  async close(): Promise<void> {
    await Promise.all(this.cancelling);
  }

  private cancel(nextUri: string): void {
    const told = new AbortController();
    const late = new AbortController();
    void this.scheduler.sleep(this.cancelTimeoutMs, told.signal).then(() => late.abort());
    // A query that nobody asks for is given up by Trino itself, after minutes.
    const cancelling = this.ask({ method: 'DELETE', url: new URL(nextUri), headers: {}, signal: late.signal })
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        told.abort();
        this.cancelling.delete(cancelling);
      });
    this.cancelling.add(cancelling);
  }

  private ask(request: {
    readonly method: 'GET' | 'POST' | 'DELETE';
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
  }): Promise<string> {
    // What Trino answers may lead elsewhere, where the password has no business.
    const isOurs = request.url.origin === this.url.origin;
    const authorization = this.authorization === null || !isOurs ? {} : { Authorization: this.authorization };
    return this.requests.body({
      ...request,
      url: request.url.href,
      headers: { ...this.headers, ...authorization, ...request.headers },
    });
  }

  private parsed(text: string): StatementAnswer {
    try {
      return JSON.parse(text) as StatementAnswer;
    } catch (cause) {
      const message = `${this.url.origin} does not answer as Trino does; is this the URL of a Trino?`;
      throw new PortError('unavailable', message, { server: this.url.origin }, { cause });
    }
  }
}

function baseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new PortError(
      'misconfigured',
      "Trino's URL is wrong: expected http://host:port or https://host:port, without user and password",
    );
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function sessionHeader(session: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const properties = Object.entries(session).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return properties.length === 0 ? {} : { 'X-Trino-Session': properties.join(',') };
}

function exactRows(text: string): readonly (readonly unknown[])[] {
  const { data } = EXACT_JSON.parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? BigInt(source!) : value,
  ) as StatementAnswer;
  return data ?? [];
}

/** "JSON.parse source text access" (TC39, stage 4; in Node since 21), which TypeScript's library does not list yet. */
const EXACT_JSON = JSON as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};
