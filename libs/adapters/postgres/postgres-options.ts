/** Every wait has a bound; at each of them the call ends as `unavailable`, or `unknown-outcome` if a commit was sent. */
export interface PostgresLimits {
  /** Connections at most. A call that finds all of them busy waits for `connectTimeoutMs`. */
  readonly poolMax: number;
  /** To get a connection: a free one of the pool, or a new one with TLS and authentication. */
  readonly connectTimeoutMs: number;
  /** The server ends a statement that takes longer, its waiting for locks included. A COMMIT it never ends. */
  readonly statementTimeoutMs: number;
  /**
   * For the server's answer to one statement. Longer than `statementTimeoutMs`, so that it ends only the wait for a
   * server that is gone or cannot be reached; the connection is then closed.
   */
  readonly answerTimeoutMs: number;
  /**
   * The server ends a transaction whose client is silent for longer: a frozen process, a lost network. Shorter than
   * `statementTimeoutMs`, so that a caller who waits for its locks outlasts it.
   */
  readonly idleInTransactionTimeoutMs: number;
  /** A connection unused for longer is closed. */
  readonly idleTimeoutMs: number;
  /** A connection unused for longer is probed (TCP keep-alive); one whose other side is gone leaves the pool. */
  readonly keepAliveDelayMs: number;
}

export const POSTGRES_TABLE_CATALOG_DEFAULTS: PostgresLimits = {
  poolMax: 4,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 10_000,
  answerTimeoutMs: 15_000,
  idleInTransactionTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  keepAliveDelayMs: 10_000,
};

/** PEM texts. The server's certificate and name are checked unless told otherwise. */
export interface PostgresTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}
