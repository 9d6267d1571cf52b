import { isPortError } from '@k2/ports';

/**
 * Kinds whose messages name no more than their readers know: values of the request, instruments, tables, snapshots, feeds,
 * and files by their keys below the lake's root. Those of other kinds may name buckets, paths and addresses.
 */
const PUBLIC_KINDS: ReadonlySet<string> = new Set([
  'invalid-query',
  'forbidden-query',
  'out-of-memory',
  'no-snapshot-before',
  'overloaded',
  'unknown-snapshot',
  'unknown-table',
  'damaged',
  'invalid-schema-change',
  'misconfigured',
  'unsupported',
  'not-allowed',
]);

/** The message of an error, if it may leave the server; null if it is for the log alone. */
export function publicMessage(error: unknown): string | null {
  return isPortError(error) && PUBLIC_KINDS.has(error.kind) ? error.message : null;
}

/** What a status says of an error that something met: its kind, and its message if that may leave the server. */
export function publicError(error: unknown): string {
  if (!isPortError(error)) return 'bug: the log has it';
  return `${error.kind}: ${publicMessage(error) ?? 'the log says more'}`;
}

/** As `publicError`; null is that nothing went wrong. */
export function publicErrorOrNull(error: unknown): string | null {
  return error === null ? null : publicError(error);
}
