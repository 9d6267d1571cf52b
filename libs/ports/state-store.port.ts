import type { PortError } from './port-error.ts';

/** `unavailable`: the store did not answer; whether a put took effect is then unknown, repeat it. `closed`: it was closed. */
export type StateStoreErrorKind = 'unavailable' | 'closed';
export type StateStoreError = PortError<StateStoreErrorKind>;

/** Small values by key that outlive a process and may be lost with their store: nothing exact rests on them. */
export interface StateStore {
  /** Those of the keys that have a value. */
  get(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All of it or nothing; null removes. */
  put(entries: ReadonlyMap<string, string | null>): Promise<void>;
  close(): Promise<void>;
}
