import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { PortError, isPortError, type Random, type Scheduler } from '@k2/ports';
import { exchange, type HttpAnswer } from './http-exchange.ts';

export type RegistryAuth =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

export interface RegistryConnectionOptions {
  /** Base URL, `https://registry:8081` or with a path; may carry `user:password@`. */
  readonly url: string;
  readonly auth?: RegistryAuth;
  /** PEM of the authorities to trust instead of the system's. */
  readonly caCertificates?: string;
  /** Of one attempt. */
  readonly requestTimeoutMs?: number;
  /** Attempts at one request if the registry does not answer, or with 5xx or 429. */
  readonly attemptsMax?: number;
  /** Before the second attempt; doubles with each, and up to half of it is chance. */
  readonly retryDelayMs?: number;
  /** Requests at a time; at the bound further ones fail as `unavailable`. */
  readonly requestsMax?: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
}

/** What the registry said, other than that it cannot or will not talk to us. */
export interface RegistryAnswer {
  readonly status: number;
  /** Parsed; of an error `{ error_code, message }`. */
  readonly body: unknown;
  /** The registry's own code, such as 40401; 0 if it gave none. */
  readonly errorCode: number;
  readonly message: string;
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const ANSWER_BYTES_MAX = 16 << 20;
const CONNECTIONS_MAX = 8;
/** A certificate that is not trusted now is not trusted in a second either. */
const CERTIFICATE_ERROR = /^(CERT_|ERR_TLS_|ERR_SSL_)|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

/** Requests to a registry with Confluent's REST API, repeated if that can help. Safe: what is asked is idempotent. */
export class RegistryConnection {
  /** As it may be shown: without user and password. */
  readonly url: string;
  private readonly options: RegistryConnectionOptions;
  private readonly authorization: string | null;
  private readonly agent: HttpAgent;
  private readonly closing = new AbortController();
  private inFlight = 0;

  constructor(options: RegistryConnectionOptions) {
    const url = baseUrl(options.url);
    this.options = options;
    this.authorization = authorizationOf(options.auth ?? authOf(url));
    url.username = '';
    url.password = '';
    this.url = url.href.replace(/\/+$/, '');
    const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
    this.agent =
      url.protocol === 'https:'
        ? new HttpsAgent(
            options.caCertificates === undefined ? agentOptions : { ...agentOptions, ca: options.caCertificates },
          )
        : new HttpAgent(agentOptions);
  }

  get(path: string): Promise<RegistryAnswer> {
    return this.ask('GET', path, null);
  }

  send(method: 'POST' | 'PUT', path: string, body: object): Promise<RegistryAnswer> {
    return this.ask(method, path, JSON.stringify(body));
  }

  /** For an answer that this adapter has no use for. */
  unexpected({ status, message }: RegistryAnswer, what: string): PortError {
    const said = message === '' ? '' : ` (${message})`;
    return this.unavailable(`answered ${what} with ${status}${said}: is this the URL of a schema registry?`, status);
  }

  close(): void {
    this.closing.abort();
    this.agent.destroy();
  }

  private async ask(method: 'GET' | 'POST' | 'PUT', path: string, body: string | null): Promise<RegistryAnswer> {
    const { attemptsMax = 4, retryDelayMs = 100, requestsMax = 256, scheduler, random } = this.options;
    if (this.inFlight >= requestsMax) {
      throw this.unavailable(`has ${requestsMax} of our requests to answer already: ask again`, null, true);
    }
    this.inFlight++;
    try {
      for (let attempt = 1; ; attempt++) {
        if (this.closing.signal.aborted) throw this.unavailable('is no longer asked: this registry was closed', null);
        try {
          return await this.attempt(method, path, body);
        } catch (error) {
          if (!isPortError(error) || !error.retryable || attempt >= attemptsMax) throw error;
        }
        const delayMs = retryDelayMs * 2 ** (attempt - 1);
        await scheduler.sleep(delayMs * (1 - random.next() / 2), this.closing.signal);
      }
    } finally {
      this.inFlight--;
    }
  }

  private async attempt(method: 'GET' | 'POST' | 'PUT', path: string, body: string | null): Promise<RegistryAnswer> {
    const headers: Record<string, string> = { accept: `${CONTENT_TYPE}, application/json` };
    if (this.authorization !== null) headers['authorization'] = this.authorization;
    if (body !== null) headers['content-type'] = CONTENT_TYPE;
    const answer = await this.withinTime((signal) =>
      exchange(new URL(this.url + path), {
        method,
        headers,
        body,
        signal,
        agent: this.agent,
        answerBytesMax: ANSWER_BYTES_MAX,
      }),
    );
    return this.understood(answer, `${method} ${path}`);
  }

  private async withinTime(ask: (signal: AbortSignal) => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const { requestTimeoutMs = 5_000, scheduler } = this.options;
    const answered = new AbortController();
    const late = new AbortController();
    void scheduler.sleep(requestTimeoutMs, answered.signal).then(() => late.abort());
    try {
      return await ask(AbortSignal.any([late.signal, this.closing.signal]));
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (CERTIFICATE_ERROR.test(code)) {
        throw this.unavailable(`has a certificate that is not trusted (${message}): name its CA`, null, false, error);
      }
      const what = late.signal.aborted ? `did not answer within ${requestTimeoutMs} ms` : `does not answer: ${message}`;
      throw this.unavailable(what, null, !this.closing.signal.aborted, error);
    } finally {
      answered.abort();
    }
  }

  private understood({ status, text }: HttpAnswer, what: string): RegistryAnswer {
    if (status === 401 || status === 403) {
      const why = this.authorization === null ? 'it wants credentials' : 'our credentials may not do this';
      throw this.unavailable(`refused ${what} with ${status}: ${why}`, status);
    }
    const body = parsed(text);
    const { error_code: errorCode, message } = (body ?? {}) as { error_code?: unknown; message?: unknown };
    const answer = {
      status,
      body,
      errorCode: typeof errorCode === 'number' ? errorCode : 0,
      message: typeof message === 'string' ? message : '',
    };
    if (status >= 500 || status === 429) {
      throw this.unavailable(
        `answered ${what} with ${status}${message === '' ? '' : `: ${answer.message}`}`,
        status,
        true,
      );
    }
    // A proxy's page, or a path that only other servers have.
    if (body === undefined || (status !== 200 && answer.errorCode === 0)) throw this.unexpected(answer, what);
    return answer;
  }

  private unavailable(what: string, status: number | null, retryable = false, cause?: unknown): PortError {
    const context = status === null ? { url: this.url } : { url: this.url, status };
    return new PortError('unavailable', `the schema registry ${this.url} ${what}`, context, { retryable, cause });
  }
}

function baseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new PortError('unavailable', `a schema registry's URL is wrong: expected http://… or https://…`);
}

function authOf({ username, password }: URL): RegistryAuth | undefined {
  if (username === '') return undefined;
  return { kind: 'basic', username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

function authorizationOf(auth: RegistryAuth | undefined): string | null {
  if (auth === undefined) return null;
  if (auth.kind === 'bearer') return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
