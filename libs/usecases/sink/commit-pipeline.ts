import {
  isPortError,
  PortError,
  type Clock,
  type CommitReceipt,
  type PartitionClaim,
  type PlannedRows,
  type Scheduler,
  type Telemetry,
  type TickLog,
  type TickStore,
} from '@k2/ports';
import { partitionName } from '../topic-partition.ts';
import type { SinkOptions } from './sink-options.ts';

/** What one commit is made of. */
export interface Flush {
  readonly rows: PlannedRows;
  /** By partition name; every partition that the rows come from. */
  readonly nextOffsets: ReadonlyMap<string, number>;
  readonly state: ReadonlyMap<string, string>;
  /** To be called when all of it is in the store. */
  readonly committed: () => void;
}

export interface CommitTotals {
  readonly commits: number;
  readonly committedRows: number;
  readonly lastCommitUs: number | null;
}

/** At most this often is a commit tried that the store calls retryable. */
const ATTEMPTS_MAX = 10;

/** Carries one flush at a time into the store while the next is being taken, and moves the claims on. */
export class CommitPipeline {
  /** Why the last flush failed; its rows are in no table. */
  failure: unknown = null;
  private readonly ports: {
    readonly log: TickLog;
    readonly store: TickStore;
    readonly clock: Clock;
    readonly scheduler: Scheduler;
    readonly telemetry: Telemetry;
  };
  private readonly options: SinkOptions;
  private readonly claims: Map<string, PartitionClaim>;
  private readonly commitMs;
  private readonly rows;
  private running: Promise<void> = Promise.resolve();
  private current: CommitTotals = { commits: 0, committedRows: 0, lastCommitUs: null };

  constructor(ports: CommitPipeline['ports'], options: SinkOptions, claims: Map<string, PartitionClaim>) {
    this.ports = ports;
    this.options = options;
    this.claims = claims;
    this.rows = ports.telemetry.counter('k2_sink_committed_rows', 'Rows made visible in the lake.');
    this.commitMs = ports.telemetry.histogram('k2_sink_commit_ms', 'From staged to visible.', 'ms');
  }

  get totals(): CommitTotals {
    return this.current;
  }

  /** Resolves when no flush is on its way, whether the last one succeeded or not. */
  idle(): Promise<void> {
    return this.running;
  }

  /** Only while idle. A failure is left in `failure`. */
  start(flush: Flush): void {
    this.running = this.carry(flush).catch((error: unknown) => void (this.failure = error));
  }

  private async carry({ rows, nextOffsets, state, committed }: Flush): Promise<void> {
    const { store, log, clock, telemetry } = this.ports;
    const staged = await store.stage(rows);
    const startUs = clock.monotonicUs();
    const partitions = [...nextOffsets].map(([name, nextOffset]) => ({ claim: this.claimOf(name), nextOffset }));
    let receipt: CommitReceipt;
    try {
      receipt = await this.untilDecided(() => store.commit(staged, { partitions, state }));
    } catch (error) {
      // Only where it is certain that the rows are in no table: files of an unknown outcome are never deleted.
      if (isPortError(error, 'fenced', 'progress-mismatch', 'commit-conflict')) await store.discard(staged);
      throw error;
    }
    for (const claim of receipt.claims) this.claims.set(partitionName(claim), claim);
    committed();
    const { commits, committedRows } = this.current;
    this.current = {
      commits: commits + 1,
      committedRows: committedRows + receipt.rowCount,
      lastCommitUs: receipt.committedUs,
    };
    this.rows.add(receipt.rowCount);
    this.commitMs.record((clock.monotonicUs() - startUs) / 1_000);
    telemetry.log('debug', 'committed', { rows: receipt.rowCount, bytes: staged.sizeBytes });
    await log.trim(receipt.claims);
  }

  private claimOf(name: string): PartitionClaim {
    const claim = this.claims.get(name);
    if (claim !== undefined) return claim;
    const message = `rows of ${name} were to be committed after its claim was given up`;
    throw new PortError('progress-mismatch', message, { partition: name });
  }

  /** Repeats a commit while the store says that it may succeed later; nothing was made visible then. */
  private async untilDecided(commit: () => Promise<CommitReceipt>): Promise<CommitReceipt> {
    const { scheduler, telemetry } = this.ports;
    for (let attempt = 1, delayMs = this.options.retryDelayMs; ; attempt++) {
      try {
        return await commit();
      } catch (error) {
        if (!isPortError(error) || !error.retryable || attempt >= ATTEMPTS_MAX) throw error;
        telemetry.log('warn', 'the store did not take a commit; trying again', { attempt, delayMs, kind: error.kind });
        await scheduler.sleep(delayMs);
        delayMs = Math.min(delayMs * 2, this.options.retryDelayMsMax);
      }
    }
  }
}
