import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IcebergTableMaintenance, IcebergTickStore } from '@k2/adapter-iceberg';
import { ManualClock, MemoryObjectStore, MemoryTableCatalog, MemoryTelemetry, SeededRandom } from '@k2/adapter-memory';
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import { isPortError, type CatalogChange, type Clock, type PartitionClaim, type TableCatalog } from '@k2/ports';
import { placed, plannedRows, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { SeededChance, Trace, type WorldReport } from '@k2/testing/simulation';
import { Turns } from './turns.ts';

const TABLES = ['market_data.trades', 'market_data.quotes'] as const;
const START_US = 1_767_225_600_000_000;
const SKEW_MS_MAX = 3_600_000;
const MAINTAINER = 'maintainer';
/** Of all that expiry may give up it keeps nothing. */
const KEEP_NOTHING = { keepNewest: 1, tiers: [] };

/**
 * Writers whose clocks differ commit to Iceberg tables of one catalog, of which each changes its own. A reader that has
 * pinned a time must never see more of it later: commits rise in time in the order in which they take effect. Meanwhile
 * snapshots are expired and manifests written anew, and no row and no file that is needed may go.
 */
export async function runCatalogWorld(seed: number, tracesLines: boolean): Promise<WorldReport> {
  const directory = await mkdtemp(join(tmpdir(), 'k2-sim-'));
  const world = new CatalogWorld(seed, directory, tracesLines);
  try {
    return await world.run();
  } finally {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Writer {
  readonly name: string;
  readonly table: TableName;
  readonly clock: ManualClock;
  readonly store: IcebergTickStore;
  claim: PartitionClaim;
}

class CatalogWorld {
  private readonly seed: number;
  private readonly directory: string;
  private readonly chance: SeededChance;
  private readonly clock = new ManualClock(START_US);
  private readonly catalog = new MemoryTableCatalog();
  private readonly objects = new MemoryObjectStore(this.clock);
  private readonly turns: Turns;
  private readonly trace: Trace;
  private readonly stores: IcebergTickStore[] = [];
  private readonly violations: string[] = [];
  /** By table. */
  private readonly committedRows = new Map<string, number>();
  private readonly maintenance: IcebergTableMaintenance;
  private readonly landed: { readonly committedUs: number; readonly tables: readonly string[] }[] = [];

  constructor(seed: number, directory: string, tracesLines: boolean) {
    this.seed = seed;
    this.directory = directory;
    this.chance = SeededChance.named(seed, 'catalog world');
    this.turns = new Turns(this.chance);
    this.trace = new Trace(() => 0, tracesLines);
    this.maintenance = new IcebergTableMaintenance(
      this.storePorts(MAINTAINER, new ManualClock(START_US + 2 * SKEW_MS_MAX * 1_000), 0),
      {
        tempDirectory: directory,
        readerGraceMs: 0,
      },
    );
  }

  async run(): Promise<WorldReport> {
    await this.store('maker', this.clock).ensureTables(RECORD_SCHEMAS);
    const writers: Writer[] = [];
    for (const [partition, table] of TABLES.entries()) writers.push(await this.writer(partition, table));
    const rounds = 2 + this.chance.below(4);
    for (let round = 0; round < rounds; round++) {
      const atWork = writers.filter(() => this.chance.happens(0.8));
      const works = new Map(atWork.map((writer) => [writer.name, () => this.commit(writer)]));
      if (this.chance.happens(0.5)) works.set(MAINTAINER, () => this.maintain());
      await this.turns.together(works);
    }
    await this.checkTables(writers[0].store);
    return {
      seed: this.seed,
      violations: this.violations,
      drawn: `${rounds} rounds`,
      steps: this.trace.steps,
      lastedMs: 0,
      hash: this.trace.hash,
      lines: this.trace.lines,
    };
  }

  async close(): Promise<void> {
    await this.maintenance.close();
    for (const store of this.stores) await store.close();
  }

  private async writer(partition: number, table: TableName): Promise<Writer> {
    const name = `writer-${partition}`;
    const clock = new ManualClock(START_US + this.chance.below(SKEW_MS_MAX) * 1_000);
    const store = this.store(name, clock);
    const [claim] = await store.claim(name, [{ topic: 't', partition, topicId: 'id' }]);
    return { name, table, clock, store, claim };
  }

  private store(name: string, clock: Clock): IcebergTickStore {
    const store = new IcebergTickStore(this.storePorts(name, clock, this.stores.length), {
      tempDirectory: this.directory,
    });
    this.stores.push(store);
    return store;
  }

  private storePorts(name: string, clock: Clock, number: number) {
    return {
      catalog: this.catalogOf(name),
      objects: this.objects,
      clock,
      random: new SeededRandom(this.seed * 16 + number),
      scheduler: { sleep: async () => {}, yield: async () => {} },
      telemetry: new MemoryTelemetry({ linesMax: 1 }),
    };
  }

  private async maintain(): Promise<void> {
    const table = this.chance.pick(TABLES);
    if (this.chance.happens(0.7)) await this.maintenance.expireSnapshots(table, KEEP_NOTHING, { dryRun: false });
    else await this.maintenance.rewriteManifests(table, { dryRun: false });
  }

  /** A commit of rows, or of a column: neither may be dated before one that has taken effect. */
  private async commit(writer: Writer): Promise<void> {
    if (this.chance.happens(0.3)) writer.clock.advanceUs(this.chance.below(5_000_000));
    const { table, store, claim } = writer;
    if (this.chance.happens(0.5)) {
      const name = `column_${this.landed.length}_${writer.name.replace('-', '_')}`;
      await store.evolve(table, [{ kind: 'add', name, type: 'string' }]);
      return;
    }
    const batch = table === 'market_data.trades' ? tradeBatch({ count: 1 }) : quoteBatch({ count: 1 });
    const staged = await store.stage(plannedRows({ ticks: [placed(batch, claim.nextOffset)] }));
    const partitions = [{ claim, nextOffset: claim.nextOffset + 1 }];
    const { claims } = await store.commit(staged, { partitions, state: new Map() });
    writer.claim = claims[0];
    this.committedRows.set(table, (this.committedRows.get(table) ?? 0) + 1);
  }

  /** The catalog as one writer sees it: every call waits for its turn, and some replies are lost. */
  private catalogOf(who: string): TableCatalog {
    const { catalog } = this;
    const inTurn = async <Result>(what: string, call: () => Promise<Result>): Promise<Result> => {
      await this.turns.turn(who);
      this.trace.step(who, what);
      return call();
    };
    return {
      tables: () => inTurn('tables', () => catalog.tables()),
      metadataLocation: (table) => inTurn('location', () => catalog.metadataLocation(table)),
      lastCommitUs: () => inTurn('last commit', () => catalog.lastCommitUs()),
      apply: (change) => inTurn('apply', () => this.apply(who, change)),
      committed: (changeId) => inTurn('committed', () => catalog.committed(changeId)),
      claim: (writer, partitions) => inTurn('claim', () => catalog.claim(writer, partitions)),
      progress: () => inTurn('progress', () => catalog.progress()),
      state: (keys) => inTurn('state', () => catalog.state(keys)),
      close: async () => {},
    };
  }

  private async apply(who: string, change: CatalogChange): Promise<void> {
    try {
      await this.catalog.apply(change);
    } catch (error) {
      this.trace.step(who, `is refused: ${isPortError(error) ? error.kind : String(error)}`);
      throw error;
    }
    const { committedUs } = change;
    const last = this.landed.at(-1);
    if (last !== undefined && committedUs <= last.committedUs)
      this.violations.push(`a commit of ${committedUs} µs took effect after one of ${last.committedUs} µs`);
    this.landed.push({ committedUs, tables: change.tables.map(({ table }) => table) });
    this.trace.step(who, `commits ${change.tables.map(({ table }) => table).join(', ')}`);
  }

  private async checkTables(store: IcebergTickStore): Promise<void> {
    const times = new Set(this.landed.map(({ committedUs }) => committedUs));
    for (const table of TABLES) {
      for (const { committedUs, snapshotId } of await store.snapshots(table, 1_000)) {
        if (!times.has(committedUs))
          this.violations.push(`snapshot ${snapshotId} of ${table} has ${committedUs} µs, which no commit had`);
        await this.checkFiles(store, table, snapshotId);
      }
      const { files } = await store.plan({ table, asOf: { kind: 'latest' } });
      const [rows, committed] = [
        files.reduce((sum, { rowCount }) => sum + rowCount, 0),
        this.committedRows.get(table) ?? 0,
      ];
      if (rows !== committed) this.violations.push(`${table} has ${rows} rows, and ${committed} were committed`);
    }
  }

  private async checkFiles(store: IcebergTickStore, table: TableName, snapshotId: bigint): Promise<void> {
    try {
      const { files } = await store.plan({ table, asOf: { kind: 'snapshot', snapshotId } });
      for (const { key } of files) await this.objects.get(key);
    } catch (error) {
      this.violations.push(`snapshot ${snapshotId} of ${table} can't be read: ${(error as Error).message}`);
    }
  }
}
