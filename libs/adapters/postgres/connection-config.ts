import { parse, toClientConfig } from 'pg-connection-string';
import type { ClientConfig, PoolConfig } from 'pg';
import { PortError } from '@k2/ports';
import type { PostgresLimits, PostgresTls } from './postgres-options.ts';

export interface PostgresTarget {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, see PostgresTableCatalogOptions. */
  readonly url: string;
  /** Instead of what the URL says of TLS; `false` is none. */
  readonly tls?: PostgresTls | false;
}

export function connectionConfig({ url, tls }: PostgresTarget, limits: PostgresLimits): PoolConfig {
  const { user, password, host, port, database, ssl, sslnegotiation, options, application_name } = parsed(url);
  return {
    // Only what says where the server is: a parameter of the URL must not change how the pool behaves.
    ...{ user, password, host, port, database, sslnegotiation, options },
    application_name: application_name ?? 'k2',
    ssl: tls === undefined ? ssl : tls && { ...tls },
    max: limits.poolMax,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    query_timeout: limits.answerTimeoutMs,
    idleTimeoutMillis: limits.idleTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: limits.keepAliveDelayMs,
  };
}

/** For messages; the URL itself may hold a password. */
export function serverName({ host, port, database, user }: PoolConfig): string {
  return `${host || 'localhost'}:${port ?? 5432}/${database ?? user ?? ''}`;
}

function parsed(url: string): ClientConfig {
  try {
    // With the meaning that libpq's documentation gives to sslmode; the parser's own is stricter, and announced to go.
    return toClientConfig(parse(url, { useLibpqCompat: true }));
  } catch (cause) {
    const { code, message, path } = cause as NodeJS.ErrnoException;
    const found = code === 'ERR_INVALID_URL' ? 'it is no URL' : path === undefined ? message : `${path}: ${code}`;
    throw new PortError(
      'unavailable',
      `the URL of PostgreSQL cannot be used, ${found}: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE`,
    );
  }
}
