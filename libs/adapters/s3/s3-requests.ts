import { S3Client } from '@aws-sdk/client-s3';
import { isPortError, type Clock, type Counter, type Histogram, type Telemetry } from '@k2/ports';
import type { S3ObjectStoreConfig } from './s3-config.ts';
import { BrokenBody, FailedRequest, objectStoreError, outcomeOf, type S3Operation } from './s3-error.ts';
import { Semaphore } from './semaphore.ts';

/** All requests of a store: one client, one bound, measured. */
export class S3Requests {
  readonly bucket: string;
  private readonly config: S3ObjectStoreConfig;
  private readonly client: S3Client;
  private readonly clock: Clock;
  private readonly slots: Semaphore;
  private readonly requests: Counter;
  private readonly transferred: Counter;
  private readonly duration: Histogram;

  constructor(config: S3ObjectStoreConfig, ports: { readonly clock: Clock; readonly telemetry: Telemetry }) {
    const { telemetry } = ports;
    this.config = config;
    this.bucket = config.bucket;
    this.clock = ports.clock;
    this.client = createClient(config, telemetry);
    this.slots = new Semaphore(config.requestsMax, config.requestsWaitingMax, 'requests to S3');
    this.requests = telemetry.counter('k2_objects_requests', 'Requests to the object store, by op and outcome.');
    this.transferred = telemetry.counter('k2_objects_bytes', 'Bytes of objects, by direction up and down.');
    this.duration = telemetry.histogram(
      'k2_objects_request_ms',
      'From a request, its retries included, to the last byte of its answer.',
      'ms',
    );
    const attempts = telemetry.counter(
      'k2_objects_attempts',
      'Attempts of requests, by op; those beyond k2_objects_requests are retries.',
    );
    this.client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          attempts.add(1, { op: String(commandName).replace(/Command$/, '') });
          return next(args);
        },
      // After the SDK's retry, which is at the head of this step.
      { step: 'finalizeRequest', priority: 'low', name: 'k2CountAttempts' },
    );
  }

  /**
   * `send` makes one request and reads its answer to the end; it holds its slot so long. Throws FailedRequest for errors
   * of the SDK and the network; others as they are.
   */
  run<Result>(op: S3Operation, send: (client: S3Client) => Promise<Result>): Promise<Result> {
    return this.slots.use(1, async () => {
      const startedUs = this.clock.monotonicUs();
      let outcome = 'ok';
      try {
        return await send(this.client);
      } catch (cause) {
        const error = isOwn(cause) ? cause : new FailedRequest(op, cause);
        outcome = outcomeOf(error);
        throw error;
      } finally {
        this.requests.add(1, { op, outcome });
        this.duration.record((this.clock.monotonicUs() - startedUs) / 1_000, { op });
      }
    });
  }

  /** Runs what a method of the port does: errors come out as PortError. */
  async crossing<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof FailedRequest || error instanceof BrokenBody
        ? objectStoreError(error, key, this.config)
        : error;
    }
  }

  countBytes(direction: 'up' | 'down', bytes: number): void {
    this.transferred.add(bytes, { direction });
  }

  /** Requests in flight end as unreachable. */
  close(): void {
    this.client.destroy();
  }
}

/** PortErrors, and what is a mistake in this program: never to be taken for a server that does not answer. */
function isOwn(error: unknown): boolean {
  return isPortError(error) || error instanceof BrokenBody || error instanceof TypeError || error instanceof RangeError;
}

/** Middleware of a put: gives its signature the SHA-256 of the body (in hex), which the SDK would make a second time. */
export function signedWith(sha256: string) {
  return <Args extends { request: unknown }, Result>(next: (args: Args) => Result) =>
    (args: Args): Result => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
      return next(args);
    };
}

function createClient(config: S3ObjectStoreConfig, telemetry: Telemetry): S3Client {
  const { endpoint, region, credentials, connectTimeoutMs, idleTimeoutMs, requestsMax, attemptsMax } = config;
  // The SDK's debug and info lines hold whole requests, and its errors reach callers anyway.
  const silent = () => undefined;
  const warn = (...content: unknown[]) => telemetry.log('warn', `S3 client: ${content.map(String).join(' ')}`);
  const logger = { trace: silent, debug: silent, info: silent, warn, error: silent };
  // Idle connections close by themselves: after a network failure the pool would be full of half-open ones.
  const agent = { keepAlive: true, maxSockets: requestsMax, timeout: idleTimeoutMs };
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: config.forcePathStyle ?? endpoint !== undefined,
    maxAttempts: attemptsMax,
    retryMode: 'standard',
    // Bodies are always buffers, so the CRC32 goes in a header, which servers that do not know it pass over. It would be
    // a trailer only on a stream, and those are what other makers' servers choke on.
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    // Whatever checksum of the whole object the server gives is checked, also on objects of other writers.
    responseChecksumValidation: 'WHEN_SUPPORTED',
    // 100-continue would cost a round trip and, in this SDK, a connection outside the pool for each larger body.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
      logger,
    },
    logger,
  });
}
