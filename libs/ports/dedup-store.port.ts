import type { PortError } from './port-error.ts';

/**
 * `unavailable`: the store did not answer; whether ids were remembered is then unknown. Retryable, unless it refused us.
 * `closed`: this store was closed.
 */
export type DedupStoreErrorKind = 'unavailable' | 'closed';
export type DedupStoreError = PortError<DedupStoreErrorKind>;

/**
 * Ids seen within a window of time, shared by every process that asks. Remembering comes after the act that an id stands
 * for: a crash in between lets the act happen twice, never not at all. A store may forget early, when it is full or
 * lost: it says less than there was, never more.
 */
export interface DedupStore {
  /** One byte an id, in their order: 1 where it was remembered within the window. Never 1 for an id that was not. */
  seen(ids: readonly string[]): Promise<Uint8Array>;
  /** Repeating it renews the window. */
  remember(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
