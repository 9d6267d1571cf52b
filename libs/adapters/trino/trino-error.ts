import { PortError, type QueryEngineError, type QueryEngineErrorKind } from '@k2/ports';

/** What Trino says of a query that failed. https://trino.io/docs/current/develop/client-protocol.html */
export interface TrinoFailure {
  readonly message?: string;
  readonly errorName?: string;
  readonly errorType?: 'USER_ERROR' | 'INTERNAL_ERROR' | 'INSUFFICIENT_RESOURCES' | 'EXTERNAL';
}

/** By Trino's StandardErrorCode, and those of its Iceberg connector. */
const KINDS: Readonly<Record<string, QueryEngineErrorKind>> = {
  EXCEEDED_TIME_LIMIT: 'timeout',
  EXCEEDED_CPU_LIMIT: 'timeout',
  EXCEEDED_GLOBAL_MEMORY_LIMIT: 'out-of-memory',
  EXCEEDED_LOCAL_MEMORY_LIMIT: 'out-of-memory',
  EXCEEDED_SPILL_LIMIT: 'out-of-memory',
  OUT_OF_SPILL_SPACE: 'out-of-memory',
  CLUSTER_OUT_OF_MEMORY: 'out-of-memory',
  QUERY_QUEUE_FULL: 'overloaded',
  CLUSTER_HAS_TOO_MANY_RUNNING_QUERIES: 'overloaded',
  USER_CANCELED: 'cancelled',
  ADMINISTRATIVELY_KILLED: 'cancelled',
  QUERY_TEXT_TOO_LARGE: 'unsupported',
  // The SQL is K2's: of what users ask, only the arithmetic can be at odds with the data.
  NUMERIC_VALUE_OUT_OF_RANGE: 'invalid-query',
  DIVISION_BY_ZERO: 'invalid-query',
};

/** Nothing changes these but a person. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'CATALOG_NOT_FOUND',
  'SCHEMA_NOT_FOUND',
  'TABLE_NOT_FOUND',
  'COLUMN_NOT_FOUND',
  'PERMISSION_DENIED',
  'SYNTAX_ERROR',
]);

/** `context`: errorName and queryId, by which Trino's own pages tell more. */
export function queryError(failure: TrinoFailure, queryId: string): QueryEngineError {
  const { errorName = 'UNKNOWN', errorType, message = 'it does not say why' } = failure;
  const kind = KINDS[errorName] ?? (errorType === 'INSUFFICIENT_RESOURCES' ? 'overloaded' : 'unavailable');
  return new PortError(
    kind,
    `Trino could not answer (${errorName}): ${message}${NEXT[kind] ?? (FOR_GOOD.has(errorName) ? '' : NEXT_OTHERWISE)}`,
    { errorName, queryId },
    { retryable: kind === 'overloaded' || (kind === 'unavailable' && !FOR_GOOD.has(errorName)) },
  );
}

const NEXT: Readonly<Partial<Record<QueryEngineErrorKind, string>>> = {
  timeout: '; narrow it by time or symbol, or give it longer',
  'out-of-memory': '; narrow it by time or symbol',
  overloaded: '; ask again later',
  cancelled: '',
  'invalid-query': '',
  unsupported: '; narrow it by time or symbol',
};
/** Also where a snapshot expired after it was planned. */
const NEXT_OTHERWISE = '; plan again';
