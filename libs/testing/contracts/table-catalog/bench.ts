import type { CatalogChange, PartitionClaim, StateMove, TableCatalog } from '@k2/ports';

export interface TableCatalogHarness {
  readonly catalog: TableCatalog;
  /** A second catalog over the same database, as another process would open it. */
  another(): Promise<TableCatalog>;
  close(): Promise<void>;
}

export const TOPIC = { topic: 'market.equities.trades.asx', topicId: 'id-1' };
export const TRADES = 'market.trades';
export const QUOTES = 'market.quotes';

/** A state as a change moves it. */
export const own = (value: string | null, was: StateMove['was'] = 'absent', partition = 0): StateMove => ({
  value,
  owner: { topic: TOPIC.topic, partition },
  was,
});

export const pointer = (table: string, expected: string | null, next: string) => ({ table, expected, next });

/** An empty catalog for each case. */
export class CatalogBench {
  /** Changes made so far; each has an id and a time of its own. */
  changes = 0;
  private readonly create: () => Promise<TableCatalogHarness>;
  private harness: TableCatalogHarness | null = null;

  constructor(create: () => Promise<TableCatalogHarness>) {
    this.create = create;
  }

  async open(): Promise<void> {
    this.harness = await this.create();
  }

  async close(): Promise<void> {
    await this.harness?.close();
    this.harness = null;
  }

  get catalog(): TableCatalog {
    return this.harness!.catalog;
  }

  another(): Promise<TableCatalog> {
    return this.harness!.another();
  }

  change(parts: Partial<CatalogChange>): CatalogChange {
    this.changes++;
    return {
      changeId: `change-${this.changes}`,
      committedUs: this.changes,
      tables: [],
      progress: [],
      state: new Map(),
      ...parts,
    };
  }

  async claimOne(writer: string, partition = 0): Promise<PartitionClaim> {
    return (await this.catalog.claim(writer, [{ ...TOPIC, partition }]))[0];
  }

  async everything() {
    const { catalog } = this;
    return {
      tables: await catalog.tables(),
      progress: await catalog.progress(),
      state: await catalog.state(['a', 'b']),
    };
  }
}
