export interface TrinoQueryEngineConfig {
  /** Questions being answered; one more is refused as `overloaded`. Trino has queues of its own behind that. */
  readonly questionsMax: number;
  /** Files of a plan that are only a part of their table, named one by one; a question over more is `unsupported`. */
  readonly filesMax: number;
  /** Bytes of a question's SQL, which Trino bounds by `query.max-length`; a longer one is `unsupported`. */
  readonly sqlBytesMax: number;
}

export const TRINO_QUERY_ENGINE_DEFAULTS: TrinoQueryEngineConfig = {
  questionsMax: 64,
  filesMax: 5_000,
  sqlBytesMax: 1_000_000,
};

export interface TrinoClientConfig {
  /** Of one request. Trino holds a request for a page that is not ready for a second or so. */
  readonly requestTimeoutMs: number;
  /** How long requests that fail on the way, or are put off, are repeated. */
  readonly retryForMs: number;
  /** Before the second try; doubles up to `retryDelayMaxMs`, and up to half of it is chance. */
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
  /** Trino makes pages of about 1 MB; one beyond this ends the statement as `out-of-memory`. */
  readonly pageBytesMax: number;
}

export const TRINO_CLIENT_DEFAULTS: TrinoClientConfig = {
  requestTimeoutMs: 30_000,
  retryForMs: 10_000,
  retryDelayMs: 50,
  retryDelayMaxMs: 1_000,
  pageBytesMax: 67_108_864,
};
