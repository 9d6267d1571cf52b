import { PortError } from '@k2/ports';

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** How to reach the brokers. Plain data: it goes to the reading thread too. */
export interface KafkaConnectionOptions {
  /** `host:port` of some of the brokers; they name the others. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** With `{}` the system's authorities are trusted; `ca`, `cert` and `key` are PEM text. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly servername?: string };
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string };
  readonly connectTimeoutMs: number;
  /** A request without an answer for so long, beyond what the broker was allowed to wait, costs the connection. */
  readonly requestTimeoutMs: number;
}

/** What a failure of kafkajs, TLS or the socket means to a caller. The password is in no message. */
export function connectionFailure(failure: unknown, options: KafkaConnectionOptions, apiName: string): PortError {
  if (failure instanceof PortError) return failure;
  const cause = rootOf(failure);
  const brokers = options.brokers.join(', ');
  const { sasl } = options;
  const context = { brokers: options.brokers, request: apiName };
  if (sasl !== undefined && isSaslFailure(cause)) {
    return new PortError(
      'unavailable',
      `Kafka at ${brokers} refused user ${sasl.username} by ${sasl.mechanism} (${cause.message}): check user, password and mechanism`,
      { ...context, mechanism: sasl.mechanism, username: sasl.username },
      { cause: failure },
    );
  }
  if (isTlsFailure(cause)) {
    return new PortError(
      'unavailable',
      `no TLS with Kafka at ${brokers} (${cause.message}): check the authority's certificate and the host's name`,
      context,
      { cause: failure },
    );
  }
  const message = `Kafka at ${brokers} did not answer ${apiName}: ${cause.message}`;
  return new PortError('unavailable', message, context, { retryable: true, cause: failure });
}

function rootOf(failure: unknown): Error & { readonly code?: unknown; readonly type?: unknown } {
  let error = failure as Error;
  while (error.cause instanceof Error) error = error.cause;
  return error;
}

function isSaslFailure({ name, type }: { readonly name: string; readonly type?: unknown }): boolean {
  return (
    name === 'KafkaJSSASLAuthenticationError' ||
    type === 'SASL_AUTHENTICATION_FAILED' ||
    type === 'UNSUPPORTED_SASL_MECHANISM'
  );
}

function isTlsFailure({ code, message }: { readonly code?: unknown; readonly message: string }): boolean {
  return /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_(GET|VERIFY)|ERR_SSL|WRONG_VERSION/.test(`${String(code)} ${message}`);
}
