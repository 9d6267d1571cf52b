import type { TableName } from '@k2/domain/market';
import type {
  Clock,
  CommitReceipt,
  ObjectStore,
  ProgressChange,
  Random,
  SchemaChange,
  TableCatalog,
  Telemetry,
} from '@k2/ports';
import { unknownTable, type LakeTables } from '../lake-tables.ts';
import { currentSnapshot } from '../format/metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { appendSnapshot, PROGRESS_PROPERTY } from './append-snapshot.ts';
import type { Attempt } from './attempt.ts';
import type { Landing } from './landing.ts';
import type { MergeLimits } from './merge-manifests.ts';
import { metadataVersion, withSchema, withSnapshot, type MetadataFile, type NextMetadata } from './next-metadata.ts';
import { parseProgress, printProgress, progressAfter } from './progress.ts';
import { evolved } from './schema-evolution.ts';
import type { StagedLakeRows, StagedTable } from './staged-rows.ts';

export interface CommitLimits extends MergeLimits {
  /** Metadata files kept of each table, besides the current one (`write.metadata.previous-versions-max`). */
  readonly metadataVersionsMax: number;
}

export interface CommitParts {
  readonly catalog: TableCatalog;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly tables: LakeTables;
  readonly files: TableFiles;
  readonly landing: Landing;
}

/** Commits to the lake. Callers run one at a time; other processes may commit at any time. */
export class LakeCommits {
  private readonly parts: CommitParts;
  private readonly limits: CommitLimits;
  private lastCommittedMs = 0;

  constructor(parts: CommitParts, limits: CommitLimits) {
    this.parts = parts;
    this.limits = limits;
  }

  /** Adds a snapshot to each table with staged rows and moves the progress, all in one change of the catalog. */
  async append(staged: StagedLakeRows, progress: ProgressChange): Promise<CommitReceipt> {
    const landed = await this.parts.landing.land(() => this.appendAttempt(staged.tables, progress), staged.unresolved);
    staged.state = 'committed';
    staged.unresolved.length = 0;
    await this.finish(landed);
    return {
      rowCount: staged.rowCount,
      snapshots: new Map(staged.tables.map(({ table, snapshotId }) => [table, snapshotId])),
      committedUs: landed.committedMs * 1_000,
      claims: landed.change.progress.map(({ claim, nextOffset }) => ({ ...claim, nextOffset })),
    };
  }

  async evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void> {
    await this.finish(await this.parts.landing.land(() => this.evolveAttempt(table, changes), []));
  }

  private async appendAttempt(tables: readonly StagedTable[], progress: ProgressChange): Promise<Attempt> {
    const bases = await this.parts.tables.loadAll();
    // After the tables: see `progressAfter`.
    const current = await this.parts.catalog.progress();
    const committedMs = this.nextMs(bases);
    const moves = await Promise.all(
      tables.map(async (staged) => {
        const base = bases.get(staged.table);
        if (base === undefined) throw unknownTable(staged.table);
        const recorded = parseProgress(currentSnapshot(base.metadata)?.summary[PROGRESS_PROPERTY]);
        const text = printProgress(progressAfter(current, recorded, progress));
        const snapshot = await appendSnapshot(
          staged,
          base.metadata,
          { committedMs, progress: text },
          { files: this.parts.files, limits: this.limits },
        );
        return this.move(staged.table, base, withSnapshot(base, snapshot, this.limits.metadataVersionsMax));
      }),
    );
    return this.attempt(moves, committedMs, progress);
  }

  private async evolveAttempt(table: TableName, changes: readonly SchemaChange[]): Promise<Attempt> {
    const base = await this.parts.tables.load(table);
    const { schema, lastColumnId } = evolved(table, base.metadata, changes);
    const committedMs = this.nextMs(new Map([[table, base]]));
    const next = withSchema(base, schema, lastColumnId, committedMs, this.limits.metadataVersionsMax);
    return this.attempt([await this.move(table, base, next)], committedMs, { partitions: [], state: new Map() });
  }

  /** Milliseconds, as Iceberg counts; later than everything committed so far, also where the clock stands still. */
  private nextMs(bases: ReadonlyMap<TableName, MetadataFile>): number {
    const updatedMs = Array.from(bases.values(), ({ metadata }) => metadata['last-updated-ms']);
    this.lastCommittedMs = Math.max(
      Math.floor(this.parts.clock.nowUs() / 1_000),
      ...[this.lastCommittedMs, ...updatedMs].map((ms) => ms + 1),
    );
    return this.lastCommittedMs;
  }

  private async move(table: TableName, base: MetadataFile, next: NextMetadata): Promise<TableMove> {
    const location = await this.parts.files.writeMetadata(next.metadata, metadataVersion(base.location) + 1);
    return { pointer: { table, expected: base.location, next: location }, retired: next.retired };
  }

  private attempt(moves: readonly TableMove[], committedMs: number, progress: ProgressChange): Attempt {
    return {
      change: {
        changeId: this.parts.random.uuid(),
        tables: moves.map((move) => move.pointer),
        progress: progress.partitions,
        state: progress.state,
      },
      committedMs,
      retired: moves.flatMap((move) => move.retired),
    };
  }

  /** Deletes metadata files that fell out of the log. Best effort: the next orphan removal finds what is left. */
  private async finish({ retired }: Attempt): Promise<void> {
    const { objects, telemetry } = this.parts;
    for (const location of retired) {
      try {
        await objects.delete(objects.key(location));
      } catch (error) {
        telemetry.log('warn', 'a metadata file that no log names any more could not be deleted', {
          location,
          error: String(error),
        });
      }
    }
  }
}

interface TableMove {
  readonly pointer: { readonly table: TableName; readonly expected: string; readonly next: string };
  readonly retired: readonly string[];
}
