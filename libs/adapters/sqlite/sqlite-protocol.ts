import type { CatalogDatabase } from './catalog-database.ts';
import type { LogDatabase } from './log-database.ts';

/** What runs in the worker thread, by name: synchronous methods over one open database. */
export interface Programs {
  readonly log: LogDatabase;
  readonly catalog: CatalogDatabase;
}

/** What a method answers; buffers in `transfer` move to the caller instead of being copied. */
export interface Reply<Value> {
  readonly value: Value;
  readonly transfer?: readonly ArrayBuffer[];
}

export interface WorkerSettings {
  readonly program: keyof Programs;
  readonly path: string;
}

export interface CallMessage {
  readonly callId: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type AnswerMessage =
  | { readonly callId: number; readonly outcome: 'value'; readonly value: unknown }
  | {
      readonly callId: number;
      readonly outcome: 'refusal';
      readonly kind: string;
      readonly message: string;
      readonly context: Readonly<Record<string, unknown>>;
      readonly retryable: boolean;
    }
  /** SQLite failed, or the program did. `resultCode`: SQLite's extended result code, where it was SQLite. */
  | {
      readonly callId: number;
      readonly outcome: 'failure';
      readonly message: string;
      readonly resultCode: number | null;
    };
