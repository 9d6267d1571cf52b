import type { TableName } from '@k2/domain/market';
import {
  PortError,
  type Clock,
  type CommitReceipt,
  type ProgressChange,
  type SchemaChange,
  type TableCatalog,
  type TickStoreError,
} from '@k2/ports';
import { unknownTable, type LakeTables } from '../lake-tables.ts';
import { currentSnapshot, type TableMetadata } from '../format/metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { appendSnapshot } from './append-snapshot.ts';
import type { Attempt } from './attempt.ts';
import type { CatalogChanges } from './catalog-changes.ts';
import type { Landing } from './landing.ts';
import type { MergeLimits } from './merge-manifests.ts';
import { withSchema, withSnapshot } from './next-metadata.ts';
import { parseProgress, printProgress, progressAfter } from './progress.ts';
import { evolved } from './schema-evolution.ts';
import { PROGRESS_PROPERTY } from './snapshot-summary.ts';
import type { StagedLakeRows } from './staged-rows.ts';

export interface CommitLimits extends MergeLimits {
  /** Metadata files kept of each table, besides the current one (`write.metadata.previous-versions-max`). */
  readonly metadataVersionsMax: number;
  /** Rows staged longer ago are refused: the removal of orphans may have taken their files for garbage. */
  readonly stagedAgeMsMax: number;
}

export interface CommitParts {
  readonly catalog: TableCatalog;
  readonly clock: Clock;
  readonly tables: LakeTables;
  readonly files: TableFiles;
  readonly landing: Landing;
  readonly changes: CatalogChanges;
}

/** Commits to the lake. Callers run one at a time; other processes may commit at any time. */
export class LakeCommits {
  private readonly parts: CommitParts;
  private readonly limits: CommitLimits;

  constructor(parts: CommitParts, limits: CommitLimits) {
    this.parts = parts;
    this.limits = limits;
  }

  /** Adds a snapshot to each table with staged rows and moves the progress, all in one change of the catalog. */
  async append(staged: StagedLakeRows, progress: ProgressChange, stop?: AbortSignal): Promise<CommitReceipt> {
    const landed = await this.parts.landing.land(() => this.appendAttempt(staged, progress), staged.unresolved, stop);
    staged.state = 'committed';
    staged.unresolved.length = 0;
    await this.parts.changes.finish(landed);
    return {
      rowCount: staged.rowCount,
      snapshots: new Map(staged.tables.map(({ table, snapshotId }) => [table, snapshotId])),
      committedUs: landed.change.committedUs,
      claims: landed.change.progress.map(({ claim, nextOffset }) => ({ ...claim, nextOffset })),
    };
  }

  /**
   * Nothing happens where the table is there already, made by another process meanwhile or by this one. `isRemade`: rows
   * of the log were committed before it was made.
   */
  async create(table: TableName, first: (committedMs: number, isRemade: boolean) => TableMetadata): Promise<void> {
    const { catalog, tables, landing, changes } = this.parts;
    await landing.landIfNeeded(async () => {
      if ((await catalog.metadataLocation(table)) !== null) return null;
      const isRemade = (await catalog.progress()).some(({ nextOffset }) => nextOffset > 0);
      const next = (committedMs: number) => ({ metadata: first(committedMs, isRemade), retired: [] });
      return changes.attempt([{ table, base: null, next }], (await tables.loadAll()).values());
    }, []);
  }

  async evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void> {
    await this.parts.changes.finish(await this.parts.landing.land(() => this.evolveAttempt(table, changes), []));
  }

  private async appendAttempt({ tables, stagedUs }: StagedLakeRows, progress: ProgressChange): Promise<Attempt> {
    const { changes } = this.parts;
    this.checkAge(stagedUs);
    const bases = await this.parts.tables.loadAll();
    // After the tables: see `progressAfter`.
    const current = await this.parts.catalog.progress();
    const moves = await Promise.all(
      tables.map(async (staged) => {
        const base = bases.get(staged.table);
        if (base === undefined) throw unknownTable(staged.table);
        const recorded = parseProgress(currentSnapshot(base.metadata)?.summary[PROGRESS_PROPERTY]);
        const text = printProgress(progressAfter(current, recorded, progress));
        const snapshot = await appendSnapshot(staged, base.metadata, text, {
          files: this.parts.files,
          limits: this.limits,
        });
        const next = (committedMs: number) =>
          withSnapshot(base, snapshot, committedMs, this.limits.metadataVersionsMax);
        return { table: staged.table, base, next };
      }),
    );
    return changes.attempt(moves, bases.values(), progress);
  }

  private async evolveAttempt(table: TableName, changes: readonly SchemaChange[]): Promise<Attempt> {
    const lake = await this.parts.tables.loadAll();
    const base = lake.get(table);
    if (base === undefined) throw unknownTable(table);
    const { schema, lastColumnId } = evolved(table, base.metadata, changes);
    const next = (committedMs: number) =>
      withSchema(base, schema, lastColumnId, committedMs, this.limits.metadataVersionsMax);
    return this.parts.changes.attempt([{ table, base, next }], lake.values());
  }

  /** Of a writer that was frozen, or a machine that slept. By the wall clock, as files' ages are. */
  private checkAge(stagedUs: number): void {
    const ageMs = (this.parts.clock.nowUs() - stagedUs) / 1_000;
    if (ageMs <= this.limits.stagedAgeMsMax) return;
    const message = `these rows were staged ${Math.round(ageMs / 60_000)} minutes ago, and their files may have been cleared away: stage them again`;
    throw new PortError('unavailable', message, { stagedUs, ageMs }) satisfies TickStoreError;
  }
}
