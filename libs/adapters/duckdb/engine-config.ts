export interface DuckDbQueryEngineConfig {
  /** Processes for typed questions; each answers one at a time. */
  readonly typedProcesses: number;
  /** Processes for user SQL. */
  readonly sqlProcesses: number;
  /** Questions that may wait for a process, per pool; one more is refused as `overloaded`. */
  readonly waitingMax: number;
  /** Memory of one process; at the cap it is killed and the question ends as `out-of-memory`. */
  readonly memoryBytesMax: number;
  readonly threadsPerProcess: number;
  /** From the request to stop to SIGKILL. */
  readonly killGraceMs: number;
  /** Local copies of planned files asked for at a time. */
  readonly fileFetchesMax: number;
  /** Without a batch taken for so long, an answer has stalled: others who wait for a process get another in its place. */
  readonly stallMs: number;
  /**
   * Stalled answers that keep a process beyond the pool's number, per pool; for one more, the answer that has stalled
   * longest is cut.
   */
  readonly stalledMax: number;
  /** An answer of which no batch is taken for this long is cut off, even if nobody else is waiting. */
  readonly idleMsMax: number;
  /** Bytes of the files that a statement of user SQL may read; one that needs more is refused. */
  readonly sqlScanBytesMax: number;
  /** Questions after which a process is replaced: a bound on whatever it might hoard. */
  readonly questionsPerProcessMax: number;
}

export const DUCKDB_QUERY_ENGINE_DEFAULTS: DuckDbQueryEngineConfig = {
  typedProcesses: 2,
  sqlProcesses: 1,
  waitingMax: 64,
  memoryBytesMax: 1_073_741_824,
  threadsPerProcess: 2,
  killGraceMs: 250,
  fileFetchesMax: 16,
  stallMs: 250,
  stalledMax: 2,
  idleMsMax: 10_000,
  sqlScanBytesMax: Infinity,
  questionsPerProcessMax: 100_000,
};
