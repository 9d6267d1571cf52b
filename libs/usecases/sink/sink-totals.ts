import type { CommitReceipt, Telemetry } from '@k2/ports';
import { asError } from '../as-error.ts';
import type { FlushPart } from './commit-pipeline.ts';
import { noCounts, type IntakeCounts } from './taken-rows.ts';

/** What a sink has done since it was made, over all its lives, and what keeps it from doing more. */
export class SinkTotals {
  /** Of what is committed: rows that were taken and forgotten are counted when they are taken again. */
  readonly counts: IntakeCounts = noCounts();
  commits = 0;
  committedRows = 0;
  lastCommitUs: number | null = null;
  private readonly telemetry: Telemetry;
  private readonly failedLooks;
  private failure: Error | null = null;
  private lookFailure: Error | null = null;

  constructor(telemetry: Telemetry) {
    this.telemetry = telemetry;
    this.failedLooks = telemetry.counter('k2_sink_discovery_failures', 'Looks for topics and their ends that failed.');
  }

  /** Null while all is well. */
  get error(): Error | null {
    return this.failure ?? this.lookFailure;
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

  failed(error: unknown): void {
    this.failure = asError(error);
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
