import {
  isPortError,
  PortError,
  type LocalFile,
  type ObjectStore,
  type ObjectStoreErrorKind,
  type QueryEngineError,
  type ScanPlan,
} from '@k2/ports';
import type { LocalScan } from './engine-messages.ts';

export interface LocalScanResources {
  readonly objectStore: ObjectStore;
  readonly config: { readonly fileFetchesMax: number };
}

/** Acquires every planned file; `files` holds those acquired, also if this rejects. No fetch goes on once the signal has aborted. */
export async function localScans(
  plans: readonly ScanPlan[],
  files: LocalFile[],
  { objectStore, config: { fileFetchesMax } }: LocalScanResources,
  signal: AbortSignal,
): Promise<readonly LocalScan[]> {
  const keys = plans.flatMap(({ files: planned }) => planned.map(({ key }) => key));
  const paths = new Map<string, string>();
  for (let i = 0; i < keys.length; i += fileFetchesMax) {
    signal.throwIfAborted();
    const part = keys.slice(i, i + fileFetchesMax);
    const fetched = await Promise.allSettled(part.map((key) => objectStore.localFile(key, signal)));
    fetched.forEach((result, at) => {
      if (result.status === 'rejected') return;
      files.push(result.value);
      paths.set(part[at], result.value.path);
    });
    signal.throwIfAborted();
    const failed = fetched.findIndex(({ status }) => status === 'rejected');
    if (failed >= 0) throw unreadableFile(part[failed], fetched[failed]);
  }
  return plans.map(({ table, fields, files: planned }) => ({
    table,
    fields,
    paths: planned.map(({ key }) => paths.get(key)!),
  }));
}

/** Throws `invalid-query` if SQL would read more bytes of files than it may. */
export function checkScanBytes(plans: readonly ScanPlan[], bytesMax: number): void {
  const tables = plans
    .map(({ table, files }) => ({ table, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }))
    .filter(({ bytes }) => bytes > 0);
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  if (bytes <= bytesMax) return;
  const each = tables.map(({ table, bytes: ofTable }) => `${table} ${ofTable}`).join(', ');
  const message = `the SQL would read files of ${bytes} bytes (${each}), more than the ${bytesMax} of a statement; name fewer tables, or compare exchange, symbol and timestamp with constants in the WHERE of a SELECT over one table`;
  throw new PortError('invalid-query', message, { bytes, bytesMax });
}

function unreadableFile(key: string, result: PromiseSettledResult<LocalFile>): QueryEngineError {
  const cause: unknown = result.status === 'rejected' ? result.reason : undefined;
  const why = cause instanceof Error ? cause.message : String(cause);
  if (isPortError<ObjectStoreErrorKind>(cause, 'damaged')) return new PortError('damaged', why, { key }, { cause });
  if (isPortError<ObjectStoreErrorKind>(cause, 'not-found')) {
    const message = `${key} is missing: restore the file from a backup, or ask again if the question was about an old snapshot, which may have been expired meanwhile`;
    return new PortError('damaged', message, { key }, { cause });
  }
  return new PortError(
    'unavailable',
    `the planned file ${key} cannot be read: ${why}; plan again`,
    { key },
    { retryable: true, cause },
  );
}
