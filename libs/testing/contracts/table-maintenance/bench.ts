import type { SnapshotRetention } from '@k2/domain/lake';
import { US_PER_DAY, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { Clock, CompactionOptions, PlannedRows, TableMaintenance } from '@k2/ports';
import { DAY_START_US, placed, tickRows, tradeBatch, type Row } from '../../builders/index.ts';
import { expectRows, TickStoreBench, TRADES, type TickStoreHarness } from '../tick-store/bench.ts';

export interface TableMaintenanceHarness extends TickStoreHarness {
  readonly maintenance: TableMaintenance;
  /** Another instance on the same tables, as of another process. */
  another(): TableMaintenance;
  /** Of store, maintenance and files; moves only when told to. */
  readonly clock: Clock;
  advanceMs(ms: number): void;
  /** How long a snapshot stays after it was current, whatever the retention says. */
  readonly graceMs: number;
  /** Puts a file that nothing needs into the table's location. Tells whether it is still there. */
  plant(table: TableName): Promise<{ isThere(): Promise<boolean> }>;
}

export const HOUR_MS = 3_600_000;
/** Keeps nothing but what has to be kept. */
export const NOTHING_KEPT: SnapshotRetention = { keepNewest: 1, tiers: [] };

/** Three trades of one day of the ASX, in a commit of their own. */
export function trades(offset: number, day = 0) {
  return placed(tradeBatch({ firstSequence: 1 + offset * 100, startUs: DAY_START_US + day * US_PER_DAY }), offset);
}

export function tradeRows(...offsets: readonly number[]): readonly Row[] {
  return offsets.flatMap((offset) => tickRows(trades(offset)));
}

/** Opens stores for cases and closes them all after each. */
export class MaintenanceBenches {
  private readonly create: () => Promise<TableMaintenanceHarness>;
  private opened: TableMaintenanceHarness[] = [];

  constructor(create: () => Promise<TableMaintenanceHarness>) {
    this.create = create;
  }

  async open(): Promise<MaintenanceBench> {
    const harness = await this.create();
    this.opened.push(harness);
    await harness.store.ensureTables(RECORD_SCHEMAS);
    return new MaintenanceBench(harness);
  }

  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = [];
    for (const harness of opened) await harness.close();
  }
}

export class MaintenanceBench extends TickStoreBench {
  readonly maintenance: TableMaintenance;
  readonly world: TableMaintenanceHarness;
  private offset = 0;

  constructor(harness: TableMaintenanceHarness) {
    super(harness);
    this.world = harness;
    this.maintenance = harness.maintenance;
  }

  /** Commits each of the row sets, one offset of the log each. */
  async commitAll(commits: readonly Partial<PlannedRows>[]) {
    let claim = await this.claim();
    const receipts = [];
    for (const rows of commits) {
      const receipt = await this.commit(claim, ++this.offset, rows);
      receipts.push(receipt);
      claim = receipt.claims[0];
    }
    return receipts;
  }

  /** Commits the trades of offsets `from` to `until - 1`, each with a commit of its own. */
  commitTrades(from: number, until: number, day = 0) {
    const offsets = Array.from({ length: until - from }, (_, index) => from + index);
    return this.commitAll(offsets.map((offset) => ({ ticks: [trades(offset, day)] })));
  }

  compact(changes: Partial<CompactionOptions> = {}, table: TableName = TRADES, by = this.maintenance) {
    return by.compact(table, {
      dryRun: false,
      fileBytesTarget: 2 ** 27,
      zstdLevel: 3,
      filesMin: 4,
      // Every partition is finished, and nothing was added to it since.
      closedBeforeUs: this.world.clock.nowUs() + US_PER_DAY,
      bytesMax: 2 ** 30,
      ...changes,
    });
  }

  /** Until what was current just now need not be kept any more; times of commits run ahead of a clock that stands. */
  passGrace(): void {
    this.world.advanceMs(this.world.graceMs + 1_000);
  }

  /** What a table says of itself: the same before and after something that changes nothing. */
  async state(table: TableName = TRADES) {
    const snapshots = await this.store.snapshots(table, 1_000);
    const { files } = await this.store.plan({ table, asOf: { kind: 'latest' } });
    return { snapshots, files: files.map(({ key }) => key).sort() };
  }

  async expectTrades(expected: readonly Row[]): Promise<void> {
    expectRows(await this.rows(TRADES), expected);
  }
}
