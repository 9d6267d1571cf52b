import {
  isPortError,
  type Clock,
  type CommitReceipt,
  type PartitionClaim,
  type Random,
  type Scheduler,
  type StagedRows,
  type Telemetry,
  type TickLog,
  type TickStore,
} from '@k2/ports';
import { Backoff } from '../backoff.ts';
import { partitionName } from '../topic-partition.ts';
import { firstRow, ProvenRows } from './proven-rows.ts';
import type { SinkOptions } from './sink-options.ts';
import type { OwnedPartition } from './sink-partitions.ts';
import type { StateChanges } from './stored-states.ts';
import { stageWithoutPoison } from './stage-without-poison.ts';
import { plannedRows, type TakenRows } from './taken-rows.ts';

/** What a flush holds of one partition. */
export interface FlushPart {
  readonly owned: OwnedPartition;
  readonly taken: TakenRows;
  readonly state: StateChanges;
}

/** Rows of a flush that could not be written, whatever is tried: not for a fault of the store, or not for one that passes. */
export interface FailedParts {
  readonly parts: readonly FlushPart[];
  readonly error: unknown;
  /** The partition was committed alone, and each of its rows was tried. */
  readonly wereAlone: boolean;
}

export interface CommitListener {
  committed(parts: readonly FlushPart[], receipt: CommitReceipt): void;
  /** The store did not take a commit, which is tried again. */
  refused(error: unknown): void;
}

export interface PipelinePorts {
  readonly log: TickLog;
  readonly store: TickStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Pick<Random, 'next'>;
  readonly telemetry: Telemetry;
}

/**
 * Carries one flush at a time into the store while the next is being taken, and moves the claims on. The partitions of a
 * flush are one commit, but for those that are to be committed alone.
 */
export class CommitPipeline {
  private readonly ports: PipelinePorts;
  private readonly options: SinkOptions;
  private readonly stop: AbortSignal;
  private readonly listener: CommitListener;
  private readonly commitMs;
  private readonly rows;
  private readonly poison;
  private readonly failedTrims;
  /** By partition name: committed, and perhaps still in the log. */
  private readonly untrimmed = new Map<string, PartitionClaim>();
  private readonly proven: ProvenRows;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private failedParts: FailedParts[] = [];
  private failure: { readonly error: unknown } | null = null;

  /** The listener hears of each commit. Once `stop` aborts, a store that is away is waited for no longer than a stop may take. */
  constructor(ports: PipelinePorts, options: SinkOptions, stop: AbortSignal, listener: CommitListener) {
    this.ports = ports;
    this.options = options;
    this.stop = stop;
    this.listener = listener;
    this.proven = new ProvenRows(ports, options, stop);
    const { telemetry } = ports;
    this.rows = telemetry.counter('k2_sink_committed_rows', 'Rows made visible in the lake.');
    this.commitMs = telemetry.histogram('k2_sink_commit_ms', 'From staged to visible.', 'ms');
    this.poison = telemetry.counter('k2_sink_unstorable_ticks', 'Ticks in quarantine: the store could not write them.');
    this.failedTrims = telemetry.counter('k2_sink_trim_failures', 'Times that the log could not be trimmed.');
  }

  get isBusy(): boolean {
    return this.busy;
  }

  /** Whether `idle` has something to tell that should not wait for the next flush. */
  get hasFailed(): boolean {
    return this.failure !== null || this.failedParts.length > 0;
  }

  /**
   * Resolves when no flush is on its way, with the parts that could not be written since it was last asked. Rejects if
   * a flush failed as a whole: its rows are in no table.
   */
  async idle(): Promise<readonly FailedParts[]> {
    await this.running;
    if (this.failure !== null) throw this.failure.error;
    const failed = this.failedParts;
    this.failedParts = [];
    return failed;
  }

  /** The log may forget everything before: told by a commit, or by a claim, whose predecessor may have died before it trimmed. */
  isCommittedUpTo(claims: readonly PartitionClaim[]): void {
    for (const claim of claims) this.untrimmed.set(partitionName(claim), claim);
  }

  /**
   * Never rejects: what is left in the log is only kept for longer. It must be tried again all the same, without a commit:
   * a log that is full takes nothing that could be committed.
   */
  async trim(): Promise<void> {
    const claims = [...this.untrimmed];
    if (claims.length === 0) return;
    try {
      await this.ports.log.trim(claims.map(([, claim]) => claim));
      for (const [name, claim] of claims) if (this.untrimmed.get(name) === claim) this.untrimmed.delete(name);
    } catch (error) {
      this.failedTrims.add(1);
      this.ports.telemetry.log('warn', 'the log could not be trimmed; trying again', { error: String(error) });
    }
  }

  /** Only while idle. */
  start(parts: readonly FlushPart[]): void {
    this.busy = true;
    this.running = this.carry(parts)
      .catch((error: unknown) => void (this.failure ??= { error }))
      .finally(() => (this.busy = false));
  }

  private async carry(parts: readonly FlushPart[]): Promise<void> {
    for (const part of parts) assertFollows(part);
    const together = parts.filter(({ owned }) => owned.aloneUntil === null);
    if (together.length > 0) await this.carryTogether(together);
    for (const part of parts) if (part.owned.aloneUntil !== null) await this.carryAlone(part);
  }

  private async carryTogether(parts: readonly FlushPart[]): Promise<void> {
    const first = parts.map(({ owned, taken }) => [owned.name, firstRow(taken.ticks)] as const);
    let staged: StagedRows;
    try {
      staged = await this.ports.store.stage(plannedRows(parts.map(({ taken }) => taken)));
      for (const [name, row] of first) this.proven.add(name, row);
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      this.failedParts.push({ parts, error, wereAlone: false });
      return;
    }
    await this.commit(parts, staged);
  }

  private async carryAlone(part: FlushPart): Promise<void> {
    let staged: StagedRows;
    try {
      const found = await stageWithoutPoison(this.ports, part.taken, this.proven, isAboutRows);
      staged = found.staged;
      this.proven.add(part.owned.name, firstRow(part.taken.ticks));
      if (found.poisonRows > 0) this.poison.add(found.poisonRows, { topic: part.owned.topicPartition.topic });
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      this.failedParts.push({ parts: [part], error, wereAlone: true });
      return;
    }
    await this.commit([part], staged);
  }

  private async commit(parts: readonly FlushPart[], staged: StagedRows): Promise<void> {
    const { store, clock, telemetry } = this.ports;
    const startUs = clock.monotonicUs();
    const partitions = parts.map(({ owned, taken }) => ({ claim: owned.claim, nextOffset: taken.nextOffset }));
    const state = new Map(parts.flatMap((part) => [...part.state.changes]));
    let receipt: CommitReceipt;
    try {
      receipt = await this.untilDecided(() => store.commit(staged, { partitions, state }, this.stop));
    } catch (error) {
      // Only where it is certain that the rows are in no table: files of an unknown outcome are never deleted.
      if (isPortError(error, 'fenced', 'progress-mismatch', 'commit-conflict')) await this.discard(staged);
      throw error;
    }
    const claims = new Map(receipt.claims.map((claim) => [partitionName(claim), claim]));
    for (const { owned, state: changes } of parts) {
      owned.claim = claims.get(owned.name)!;
      changes.committed();
    }
    this.listener.committed(parts, receipt);
    this.rows.add(receipt.rowCount);
    this.commitMs.record((clock.monotonicUs() - startUs) / 1_000);
    telemetry.log('debug', 'committed', { rows: receipt.rowCount, bytes: staged.sizeBytes });
    this.isCommittedUpTo(receipt.claims);
    await this.trim();
  }

  /** Files that are left are garbage, which maintenance removes. */
  private async discard(staged: StagedRows): Promise<void> {
    try {
      await this.ports.store.discard(staged);
    } catch (error) {
      this.ports.telemetry.log('warn', 'rows of a refused commit could not be discarded', { error: String(error) });
    }
  }

  /** Repeats a commit while the store says that it may succeed later; nothing was made visible then. */
  private async untilDecided(commit: () => Promise<CommitReceipt>): Promise<CommitReceipt> {
    const { clock, scheduler, random, telemetry } = this.ports;
    const { commitRetryMs, stopRetryMs } = this.options;
    const startUs = clock.monotonicUs();
    const backoff = new Backoff(random, this.options);
    let budgetUs = startUs + commitRetryMs * 1_000;
    let isStopping = false;
    for (let failedAttempts = 0; ; failedAttempts++) {
      try {
        const receipt = await commit();
        const outageMs = Math.round((clock.monotonicUs() - startUs) / 1_000);
        if (failedAttempts > 0) telemetry.log('info', 'the store takes commits again', { failedAttempts, outageMs });
        return receipt;
      } catch (error) {
        if (!isPortError(error) || !error.retryable) throw error;
        if (this.stop.aborted && !isStopping) {
          isStopping = true;
          budgetUs = Math.min(budgetUs, clock.monotonicUs() + stopRetryMs * 1_000);
        }
        const delayMs = backoff.delayMs();
        if (clock.monotonicUs() + delayMs * 1_000 > budgetUs) throw error;
        this.listener.refused(error);
        const facts = { kind: error.kind, error: error.message };
        if (failedAttempts === 0) telemetry.log('warn', 'the store did not take a commit; trying again', facts);
        // A stop that begins while it waits makes it try at once.
        await scheduler.sleep(delayMs, isStopping ? undefined : this.stop);
      }
    }
  }
}

/** The rows themselves can't be written, or a fault of the code shows with them: the store is not away. */
function isAboutRows(error: unknown): boolean {
  return !isPortError(error) || isPortError(error, 'unwritable-rows');
}

/** Throws RangeError if a flush does not begin where the committed progress ends: it would lose rows or count them twice. */
function assertFollows({ owned, taken }: FlushPart): void {
  if (taken.fromOffset === owned.claim.nextOffset && taken.nextOffset > taken.fromOffset) return;
  throw new RangeError(
    `rows of ${owned.name} are of offsets ${taken.fromOffset} to ${taken.nextOffset}, but ${owned.claim.nextOffset} is the next to be committed`,
  );
}
