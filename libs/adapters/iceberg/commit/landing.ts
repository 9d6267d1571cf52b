import {
  isPortError,
  PortError,
  type CatalogChange,
  type Counter,
  type Random,
  type Scheduler,
  type TableCatalog,
  type TableCatalogErrorKind,
  type Telemetry,
  type TickStoreError,
} from '@k2/ports';
import { storeError } from '../store-error.ts';
import type { Attempt } from './attempt.ts';

export interface LandingLimits {
  readonly attemptsMax: number;
  /** Pause before the second attempt; it doubles up to the maximum, with jitter. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** What a caller is told to do when no attempt succeeded. */
  readonly advice: string;
}

/**
 * Applies changes to the catalog until one takes effect. A lost race is prepared anew on what won. An unknown outcome
 * is resolved by asking the catalog, before anything is concluded from what a later attempt is told: the change may
 * take effect late. Nothing is ever deleted because an outcome is unknown.
 */
export class Landing {
  private readonly catalog: TableCatalog;
  private readonly random: Random;
  private readonly scheduler: Scheduler;
  private readonly limits: LandingLimits;
  private readonly retries: Counter;

  constructor(
    ports: {
      readonly catalog: TableCatalog;
      readonly random: Random;
      readonly scheduler: Scheduler;
      readonly telemetry: Telemetry;
    },
    limits: LandingLimits,
  ) {
    this.retries = ports.telemetry.counter(
      'k2_commit_retries',
      'Commits prepared or asked for again, by what the catalog had said.',
    );
    this.catalog = ports.catalog;
    this.random = ports.random;
    this.scheduler = ports.scheduler;
    this.limits = limits;
  }

  /**
   * Returns the attempt that took effect. `unresolved` holds those whose outcome is unknown; what is left in it when
   * this throws may still take effect, and is to be given again with the next call. Once `stop` aborts, the attempt under
   * way is the last, and a catalog that does not answer is asked no more.
   */
  async land<Prepared extends Attempt>(
    prepare: () => Promise<Prepared>,
    unresolved: Prepared[],
    stop?: AbortSignal,
  ): Promise<Prepared> {
    return (await this.landIfNeeded(prepare, unresolved, stop))!;
  }

  /** As `land`; null where `prepare` finds nothing to do. */
  async landIfNeeded<Prepared extends Attempt>(
    prepare: () => Promise<Prepared | null>,
    unresolved: Prepared[],
    stop?: AbortSignal,
  ): Promise<Prepared | null> {
    for (let attempt = 1; ; attempt++) {
      const early = await this.landed(unresolved, stop);
      if (early !== null) return early;
      const prepared = await this.prepared(prepare, unresolved, stop);
      if (prepared === null || unresolved.includes(prepared)) return prepared;
      const refusal = await this.refusal(prepared.change);
      if (refusal === null) return prepared;
      // What is no answer of the port's own may have been lost on the way back just as well.
      const isUnknown = !isPortError(refusal) || isPortError<TableCatalogErrorKind>(refusal, 'unknown-outcome');
      if (isUnknown) unresolved.push(prepared);
      const late = await this.landed(unresolved, stop);
      if (late !== null) return late;
      if (!isPortError<TableCatalogErrorKind>(refusal, 'unknown-outcome', 'commit-conflict')) throw storeError(refusal);
      if (this.isLast(attempt, stop)) throw this.givenUp(refusal, prepared.change, attempt);
      this.retries.add(1, { kind: refusal.kind });
      await this.pause(attempt, stop);
    }
  }

  /** What stands in the way of a further attempt may be an earlier one, which took effect meanwhile: that one then. */
  private async prepared<Prepared extends Attempt>(
    prepare: () => Promise<Prepared | null>,
    unresolved: readonly Prepared[],
    stop?: AbortSignal,
  ): Promise<Prepared | null> {
    try {
      return (await prepare()) ?? (await this.landed(unresolved, stop));
    } catch (error) {
      const landed = await this.landed(unresolved, stop);
      if (landed !== null) return landed;
      throw error;
    }
  }

  private async refusal(change: CatalogChange): Promise<unknown> {
    try {
      await this.catalog.apply(change);
      return null;
    } catch (error) {
      return error ?? new Error('the catalog threw nothing');
    }
  }

  private async landed<Prepared extends Attempt>(
    unresolved: readonly Prepared[],
    stop?: AbortSignal,
  ): Promise<Prepared | null> {
    for (const attempt of unresolved) {
      if (await this.committed(attempt.change.changeId, stop)) return attempt;
    }
    return null;
  }

  /** The catalog was just lost, most likely: it gets time to come back. */
  private async committed(changeId: string, stop?: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.catalog.committed(changeId);
      } catch (error) {
        if (this.isLast(attempt, stop)) throw this.unresolvable(changeId, error);
        await this.pause(attempt, stop);
      }
    }
  }

  private isLast(attempt: number, stop: AbortSignal | undefined): boolean {
    return attempt >= this.limits.attemptsMax || (stop?.aborted ?? false);
  }

  private pause(attempt: number, stop: AbortSignal | undefined): Promise<void> {
    const { backoffMinMs, backoffMaxMs } = this.limits;
    const fullMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** (attempt - 1));
    return this.scheduler.sleep(fullMs * (0.5 + this.random.next() / 2), stop);
  }

  private givenUp(cause: unknown, change: CatalogChange, attempts: number): TickStoreError {
    const tables = change.tables.map(({ table }) => table);
    const context = { tables, attempts, changeId: change.changeId };
    const isUnknown = isPortError(cause, 'unknown-outcome');
    const [kind, what] = isUnknown
      ? (['unavailable', `${attempts} attempts to commit to ${tables.join(', ')} got no answer`] as const)
      : (['commit-conflict', `other writers won ${attempts} attempts to commit to ${tables.join(', ')}`] as const);
    return new PortError(kind, `${what}: ${this.limits.advice}`, context, { retryable: true, cause });
  }

  private unresolvable(changeId: string, cause: unknown): TickStoreError {
    const message = `whether change ${changeId} took effect is unknown, and the catalog does not answer: ${this.limits.advice}`;
    return new PortError('unavailable', message, { changeId }, { retryable: true, cause });
  }
}
