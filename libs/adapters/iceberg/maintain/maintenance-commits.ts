import type { TableName } from '@k2/domain/market';
import type { PartitionProgress, TableCatalog } from '@k2/ports';
import type { Attempt } from '../commit/attempt.ts';
import type { CatalogChanges } from '../commit/catalog-changes.ts';
import type { Landing } from '../commit/landing.ts';
import type { MetadataFile, UndatedMetadata } from '../commit/next-metadata.ts';
import { unknownTable, type LakeTables } from '../lake-tables.ts';

/** What a task stands on: a table as it is now, and the tables beside it. */
export interface Base {
  readonly table: MetadataFile;
  readonly lake: ReadonlyMap<TableName, MetadataFile>;
  /** Of the catalog, read after the tables: no table has rows of the log beyond it. */
  readonly progress: readonly PartitionProgress[];
}

/** A table's next metadata, and what the task needs to know of it once it took effect. */
export interface Change<Outcome> {
  readonly next: UndatedMetadata;
  readonly outcome: Outcome;
}

export interface MaintenanceAttempt<Outcome> extends Attempt {
  readonly outcome: Outcome;
}

/** Commits of one table that add no rows. */
export class MaintenanceCommits {
  private readonly parts: {
    readonly catalog: TableCatalog;
    readonly tables: LakeTables;
    readonly landing: Landing;
    readonly changes: CatalogChanges;
  };

  constructor(parts: MaintenanceCommits['parts']) {
    this.parts = parts;
  }

  async base(table: TableName): Promise<Base> {
    const { tables, catalog } = this.parts;
    const lake = await tables.loadAll();
    const base = lake.get(table);
    if (base === undefined) throw unknownTable(table);
    return { table: base, lake, progress: await catalog.progress() };
  }

  /**
   * Returns the outcome of the change that took effect; null where there is nothing to change. The change is prepared
   * anew on what others committed meanwhile. `unresolved`: as of `Landing.land`.
   */
  async land<Outcome>(
    table: TableName,
    prepare: (base: Base) => Promise<Change<Outcome> | null>,
    unresolved: MaintenanceAttempt<Outcome>[] = [],
  ): Promise<Outcome | null> {
    const { landing, changes } = this.parts;
    const landed = await landing.landIfNeeded(async () => {
      const base = await this.base(table);
      const change = await prepare(base);
      if (change === null) return null;
      const move = { table, base: base.table, next: change.next };
      return { ...(await changes.attempt([move], base.lake.values())), outcome: change.outcome };
    }, unresolved);
    if (landed === null) return null;
    await changes.finish(landed);
    return landed.outcome;
  }
}
