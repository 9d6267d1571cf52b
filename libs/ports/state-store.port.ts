import type { PortError } from './port-error.ts';

/**
 * `unavailable`: the store did not answer; whether a put took effect is then unknown, repeat it. Retryable, unless it
 * refused us. `too-large`: a value is beyond the store's bound, `context.key` and `context.bytesMax`; nothing was put.
 * `closed`: this store was closed.
 */
export type StateStoreErrorKind = 'unavailable' | 'too-large' | 'closed';
export type StateStoreError = PortError<StateStoreErrorKind>;

/** Small values by key that outlive a process and may be lost with their store: nothing exact rests on them. */
export interface StateStore {
  /** Those of the keys that have a value, as of one instant. */
  get(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All of it or nothing; null removes. The last put of a key wins. */
  put(entries: ReadonlyMap<string, string | null>): Promise<void>;
  close(): Promise<void>;
}
