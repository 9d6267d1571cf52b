import { createClient } from '@redis/client';
import { PortError, type Counter, type Random, type Scheduler, type Telemetry } from '@k2/ports';

export interface RedisConnectionOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://…` for TLS. One server, no cluster. */
  readonly url: string;
  /** PEM of the authorities to trust instead of the system's. */
  readonly caCertificates?: string;
  /** Of a call, and of opening a connection. A connection that took longer is given up. */
  readonly timeoutMs?: number;
  /** Before connecting again; doubles with each failure up to `reconnectDelayMsMax`, and up to half of it is chance. */
  readonly reconnectDelayMs?: number;
  readonly reconnectDelayMsMax?: number;
  /** Calls that wait for an answer; at the bound further ones fail as `unavailable`. */
  readonly callsMax?: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

const DEFAULTS = { timeoutMs: 2_000, reconnectDelayMs: 50, reconnectDelayMsMax: 5_000, callsMax: 256 };

export type RedisClient = ReturnType<typeof newClient>;

interface Link {
  readonly client: RedisClient;
  readonly lost: PromiseWithResolvers<void>;
}

const LATE = Symbol('late');
/** What Redis answers if it refuses us, however often we ask. */
const REFUSAL = /^(NOAUTH|WRONGPASS|NOPERM|DENIED|ERR AUTH|ERR invalid DB|ERR DB index|MOVED|CROSSSLOT)/;
/** A certificate that is not trusted now is not trusted in a second either. */
const UNTRUSTED = /^(CERT_|ERR_TLS_)|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

/**
 * A connection that is always either there or not: a call while it is not fails at once, nothing queues up for later, and
 * no call takes longer than its time. It comes back by itself. The client's own way of reconnecting is not used: it waits
 * for ever on a server that takes a connection and then says nothing.
 */
export class RedisConnection {
  /** As it may be shown: without user and password. */
  readonly url: string;
  private readonly options: RedisConnectionOptions & typeof DEFAULTS;
  private readonly closing = new AbortController();
  private readonly firstAttempt = Promise.withResolvers<void>();
  private readonly calls = new Set<Promise<unknown>>();
  private readonly connectionsLost: Counter;
  private readonly keeping: Promise<void>;
  private link: Link | null = null;
  private lastError = new Error('not connected yet');

  /** Resolves when the first attempt to connect has ended, well or not. Rejects for an impossible URL. */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(options);
    await connection.firstAttempt.promise;
    return connection;
  }

  private constructor(options: RedisConnectionOptions) {
    this.url = shownUrl(options.url);
    this.options = { ...DEFAULTS, ...options };
    this.connectionsLost = options.telemetry.counter('k2_redis_connections_lost', 'Connections to Redis that broke.');
    this.keeping = this.keepConnected();
  }

  /** Rejects with `unavailable` where Redis is away, late, or says no, and with `closed`. */
  async call<Result>(ask: (client: RedisClient) => Promise<Result>): Promise<Result> {
    this.assertOpen();
    const { link, lastError } = this;
    if (link === null) throw this.unavailable(`is away: ${lastError.message}`, lastError);
    if (this.calls.size >= this.options.callsMax) {
      throw this.unavailable(`has ${this.options.callsMax} of our calls to answer already: ask again`);
    }
    const asked = this.withinTime(ask(link.client));
    this.calls.add(asked);
    try {
      const result = await asked;
      if (result !== LATE) return result;
    } catch (error) {
      throw this.unavailable(`did not do it: ${(error as Error).message}`, error as Error);
    } finally {
      this.calls.delete(asked);
    }
    const late = new Error(`no answer within ${this.options.timeoutMs} ms`);
    // Else everyone who comes later would wait behind what was not answered.
    this.drop(link, late);
    throw this.unavailable(`gave ${late.message}`, late);
  }

  assertOpen(): void {
    if (this.closing.signal.aborted) throw new PortError('closed', `the connection to ${this.url} was closed`);
  }

  /** Waits for the calls on their way, which is no longer than they may take. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.keeping;
  }

  private async keepConnected(): Promise<void> {
    const { telemetry, scheduler, random, reconnectDelayMs, reconnectDelayMsMax } = this.options;
    const { signal } = this.closing;
    let delayMs = reconnectDelayMs;
    let isReported = false;
    while (!signal.aborted) {
      const link = await this.connect();
      this.firstAttempt.resolve();
      if (link !== null) {
        telemetry.log('info', 'connected to Redis', { url: this.url });
        delayMs = reconnectDelayMs;
        isReported = false;
        await this.untilLost(link);
      }
      if (signal.aborted) return;
      const { message: error } = this.lastError;
      if (!isReported) telemetry.log('warn', 'Redis is away; connecting again', { url: this.url, error });
      isReported = true;
      await scheduler.sleep(delayMs * (1 - random.next() / 2), signal);
      if (link === null) delayMs = Math.min(delayMs * 2, reconnectDelayMsMax);
    }
  }

  private async connect(): Promise<Link | null> {
    const client = newClient(this.options);
    const link = { client, lost: Promise.withResolvers<void>() };
    // Also of a connection that breaks later; unheard it would end the process.
    client.on('error', (error: Error) => this.drop(link, error));
    try {
      const isLate = (await this.withinTime(client.connect())) === LATE;
      if (isLate) throw new Error('it takes connections, and then says nothing');
      this.link = link;
      return link;
    } catch (error) {
      this.drop(link, error as Error);
      return null;
    }
  }

  private async untilLost(link: Link): Promise<void> {
    const { signal } = this.closing;
    const closed = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([link.lost.promise, closed]);
    if (!signal.aborted) return;
    await Promise.allSettled(this.calls);
    this.drop(link, new Error('it was closed'));
  }

  /** Whoever waits for an answer on it is told. */
  private drop(link: Link, cause: Error): void {
    this.lastError = cause;
    if (this.link === link) {
      this.link = null;
      if (!this.closing.signal.aborted) this.connectionsLost.add(1);
    }
    if (link.client.isOpen) link.client.destroy();
    link.lost.resolve();
  }

  private async withinTime<Result>(doing: Promise<Result>): Promise<Result | typeof LATE> {
    const { scheduler, timeoutMs } = this.options;
    const done = new AbortController();
    const late = scheduler.sleep(timeoutMs, done.signal).then((): typeof LATE => LATE);
    // When it is late, its failure is nobody's.
    doing.catch(() => undefined);
    try {
      return await Promise.race([doing, late]);
    } finally {
      done.abort();
    }
  }

  private unavailable(what: string, cause?: Error): PortError {
    const { message = '', code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
    const retryable = !REFUSAL.test(message) && !UNTRUSTED.test(code);
    return new PortError('unavailable', `Redis at ${this.url} ${what}`, { url: this.url }, { retryable, cause });
  }
}

function newClient({ url, caCertificates, timeoutMs }: RedisConnectionOptions & typeof DEFAULTS) {
  const isTrustedByCa = url.startsWith('rediss:') && caCertificates !== undefined;
  const tls = isTrustedByCa ? { tls: true as const, ca: caCertificates } : {};
  return createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: { ...tls, reconnectStrategy: false, connectTimeout: timeoutMs },
  });
}

function shownUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || !/^(\/\d*)?$/.test(url.pathname)) {
    const message = 'a Redis URL is wrong: expected redis://host:port or rediss://host:port, then maybe /database';
    throw new PortError('unavailable', message);
  }
  url.username = '';
  url.password = '';
  return url.href;
}
