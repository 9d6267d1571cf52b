import type { Clock, CommitReceipt, Telemetry } from '@k2/ports';
import { asError } from '../as-error.ts';
import type { FlushPart } from './commit-pipeline.ts';
import { noCounts, type IntakeCounts } from './taken-rows.ts';

/** That a sink gets nothing into the store, whatever it tries again. */
export interface SinkFailing {
  /** When the first of the attempts failed that came to nothing. */
  readonly sinceUs: number;
  /** Why the last one did. */
  readonly error: Error;
}

/** A first attempt that fails is tried again at once, and mostly that is the end of it. */
const FAILED_ATTEMPTS_MIN = 2;

/** What a sink has done since it was made, over all its lives, and what keeps it from doing more. */
export class SinkTotals {
  /** Of what is committed: rows that were taken and forgotten are counted when they are taken again. */
  readonly counts: IntakeCounts = noCounts();
  commits = 0;
  committedRows = 0;
  lastCommitUs: number | null = null;
  private readonly clock: Clock;
  private readonly telemetry: Telemetry;
  private readonly failedLooks;
  private failure: { readonly sinceUs: number; readonly attempts: number; readonly error: Error } | null = null;
  private lookFailure: Error | null = null;

  constructor({ clock, telemetry }: { readonly clock: Clock; readonly telemetry: Telemetry }) {
    this.clock = clock;
    this.telemetry = telemetry;
    this.failedLooks = telemetry.counter('k2_sink_discovery_failures', 'Looks for topics and their ends that failed.');
  }

  /** Null while all is well. */
  get error(): Error | null {
    return this.failure?.error ?? this.lookFailure;
  }

  /** Null while it works: also while what failed once is tried again. */
  get failing(): SinkFailing | null {
    if (this.failure === null || this.failure.attempts < FAILED_ATTEMPTS_MIN) return null;
    const { sinceUs, error } = this.failure;
    return { sinceUs, error };
  }

  committed(parts: readonly FlushPart[], { rowCount, committedUs }: CommitReceipt): void {
    for (const { taken } of parts) {
      for (const name of Object.keys(this.counts) as (keyof IntakeCounts)[]) this.counts[name] += taken.counts[name];
    }
    this.commits++;
    this.committedRows += rowCount;
    this.lastCommitUs = committedUs;
    this.failure = null;
  }

  /** An attempt to commit, or to get as far, failed; it is made again. */
  failed(error: unknown): void {
    const { sinceUs, attempts } = this.failure ?? { sinceUs: this.clock.nowUs(), attempts: 0 };
    this.failure = { sinceUs, attempts: attempts + 1, error: asError(error) };
  }

  /** The log is read and nothing of it waits to be committed: whatever failed is over. */
  caughtUp(): void {
    this.failure = null;
  }

  /** How the last look for topics went; null: well. */
  looked(error: unknown): void {
    if (error === null) {
      this.lookFailure = null;
      return;
    }
    this.failedLooks.add(1);
    const isNew = this.lookFailure === null;
    this.lookFailure = asError(error);
    if (isNew)
      this.telemetry.log('warn', 'the log could not be asked for its topics; asking again', {
        error: this.lookFailure.message,
      });
  }
}
