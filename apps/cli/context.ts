import type { Settings } from '@k2/composition/settings';
import type { Clock } from '@k2/ports';
import type { SchemaCheck } from '@k2/usecases';
import type { Output } from './output/output.ts';
import type { K2Session } from './session/session.ts';

/** The world as the commands see it; tests bring their own. */
export interface CliContext {
  /** Rows, and nothing else. */
  readonly stdout: Output;
  /** Provenance, progress and errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, 'monotonicUs'>;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  openSession(target: SessionTarget, purpose: SessionPurpose): Promise<K2Session>;
  checkSchemas(settings: Settings): Promise<readonly SchemaCheck[]>;
  /** Runs the server until it ends; resolves with its exit code. */
  runServer(args: readonly string[]): Promise<number>;
}

/**
 * What a session is for: `load` needs the right to write; `maintain` works on the tables themselves, beside whoever
 * serves them.
 */
export type SessionPurpose = 'ask' | 'load' | 'maintain';

/** Which K2: the server at `url`, or the one that the data directory and the environment name. */
export interface SessionTarget {
  readonly data: string;
  readonly url?: string;
}

/** Options that every command has. */
export interface GlobalOptions extends SessionTarget {
  readonly json?: true;
}
