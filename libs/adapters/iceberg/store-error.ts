import {
  isPortError,
  PortError,
  type TableCatalogErrorKind,
  type TickStoreError,
  type TickStoreErrorKind,
} from '@k2/ports';

/** What the catalog or the object store refused, in the TickStore's own kinds. */
export function storeError(error: unknown): TickStoreError {
  if (isPortError<TableCatalogErrorKind>(error, 'fenced', 'progress-mismatch', 'commit-conflict')) {
    return new PortError(error.kind as TickStoreErrorKind, error.message, error.context, {
      retryable: error.retryable,
      cause: error,
    });
  }
  if (error instanceof PortError && STORE_KINDS.has(error.kind)) return error as TickStoreError;
  const message = error instanceof Error ? error.message : String(error);
  const context = error instanceof PortError ? error.context : {};
  // A file on its way is not the object store's: DuckDB writes it, and says so in words.
  const isFull = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i.test(message);
  const what = isFull ? 'the disk is full: make room' : 'the lake cannot be reached or read';
  return new PortError(isFull ? 'disk-full' : 'unavailable', `${what}: ${message}`, context, {
    retryable: true,
    cause: error,
  });
}

const STORE_KINDS: ReadonlySet<string> = new Set<TickStoreErrorKind>([
  'unknown-table',
  'unknown-snapshot',
  'no-snapshot-before',
  'invalid-schema-change',
  'unwritable-rows',
  'damaged',
  'unavailable',
  'disk-full',
]);

/** Runs a step of the store; its errors cross the port as TickStoreErrors, except those that say a caller is wrong. */
export async function inStoreTerms<Result>(step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? error : storeError(error);
  }
}
