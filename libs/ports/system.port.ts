/** The four things that the domain and the use-cases may never reach for themselves. */

export interface Clock {
  /** UTC µs since 1970; may step when the machine's clock is set. */
  nowUs(): number;
  /** µs since an arbitrary start; never goes backwards. For durations. */
  monotonicUs(): number;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** UUID version 7 (RFC 9562): sorts by time of creation. */
  uuid(): string;
  /** Positive 63-bit integer, for snapshot ids. */
  int63(): bigint;
}

export interface Scheduler {
  /** Resolves after the delay, or at once when the signal aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Gives other work its turn. */
  yield(): Promise<void>;
}
