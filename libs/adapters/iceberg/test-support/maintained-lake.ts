import {
  parseTimeUs,
  RECORD_SCHEMAS,
  recordPositions,
  TradeBatchBuilder,
  US_PER_DAY,
  type TradeBatch,
} from '@k2/domain/market';
import type { CompactionOptions, PartitionClaim, TickStore } from '@k2/ports';
import { printMetadata } from '../format/metadata-json.ts';
import type { TableMetadata } from '../format/metadata.ts';
import type { IcebergTableMaintenance } from '../iceberg-table-maintenance.ts';
import { TestLake, type TestLakeOptions } from './lake.ts';
import { readRows } from './read-rows.ts';

export const TRADES = 'market_data.trades';
const FIRST_DAY_US = parseTimeUs('2014-03-10');

/** A lake with one writer of trades and one maintainer. */
export class MaintainedLake {
  readonly lake: TestLake;
  readonly store: TickStore;
  readonly maintenance: IcebergTableMaintenance;
  private claim: PartitionClaim;
  private commits = 0;

  static async create(options: TestLakeOptions = {}): Promise<MaintainedLake> {
    const lake = await TestLake.create({ rowGroupRows: 2_048, ...options });
    const store = lake.open();
    await store.ensureTables(RECORD_SCHEMAS);
    const [claim] = await store.claim('writer', [{ topic: 't', partition: 0, topicId: 'id' }]);
    return new MaintainedLake(lake, store, claim);
  }

  private constructor(lake: TestLake, store: TickStore, claim: PartitionClaim) {
    this.lake = lake;
    this.store = store;
    this.maintenance = lake.openMaintenance();
    this.claim = claim;
  }

  /** Commits `count` trades of a day; sequences go on from commit to commit. */
  commit(day = 0, count = 3) {
    const firstSequence = 1 + this.commits * 1_000;
    return this.commitRows(trades(firstSequence, count, FIRST_DAY_US + day * US_PER_DAY));
  }

  async commitRows(batch: TradeBatch) {
    const offset = this.commits++;
    const ticks = [{ batch, platformSequence: recordPositions(offset, batch.rowCount) }];
    const staged = await this.store.stage({ ticks, gaps: [], sessions: [], quarantine: [] });
    const progress = { partitions: [{ claim: this.claim, nextOffset: offset + 1 }], state: new Map() };
    const receipt = await this.store.commit(staged, progress);
    [this.claim] = receipt.claims as [PartitionClaim];
    return receipt;
  }

  async commitDays(...days: readonly number[]): Promise<void> {
    for (const day of days) await this.commit(day);
  }

  compact(changes: Partial<CompactionOptions> = {}, by = this.maintenance) {
    return by.compact(TRADES, {
      dryRun: false,
      fileBytesTarget: 2 ** 27,
      zstdLevel: 3,
      filesMin: 4,
      closedBeforeUs: this.lake.clock.nowUs() + US_PER_DAY,
      bytesMax: 2 ** 30,
      ...changes,
    });
  }

  /** Gives up every snapshot but the current one, once nobody can be reading them any more. */
  expireAll() {
    this.lake.clock.advanceMs(700_000);
    return this.maintenance.expireSnapshots(TRADES, { keepNewest: 1, tiers: [] }, { dryRun: false });
  }

  async sequences(): Promise<readonly number[]> {
    const rows = await readRows(await this.store.plan({ table: TRADES, asOf: { kind: 'latest' } }), this.lake.objects);
    return rows.map((row) => row['source_sequence'] as number).sort((a, b) => a - b);
  }

  dataFiles(): Promise<readonly string[]> {
    return this.lake.keys('market_data/trades/data');
  }

  /** Puts other content under the key of a data file. */
  async swap(key: string, path: string): Promise<void> {
    await this.lake.objects.delete(key);
    await this.lake.objects.putFileIfAbsent(key, path);
  }

  /** Changes the table's metadata as another engine would. */
  async alter(change: (metadata: TableMetadata) => TableMetadata): Promise<void> {
    const expected = (await this.lake.catalog.metadataLocation(TRADES))!;
    const next = expected.replace('.metadata.json', '-altered.metadata.json');
    const before = await this.lake.metadata(TRADES);
    const previous = { 'timestamp-ms': before['last-updated-ms'], 'metadata-file': expected };
    const text = printMetadata({ ...change(before), 'metadata-log': [...before['metadata-log'], previous] });
    await this.lake.objects.putIfAbsent(this.lake.objects.key(next), new TextEncoder().encode(text));
    this.lake.catalog.applyForeign(TRADES, next);
  }

  close(): Promise<void> {
    return this.lake.close();
  }
}

/** Of one instrument, one a millisecond. */
function trades(firstSequence: number, count: number, startUs: number): TradeBatch {
  const builder = new TradeBatchBuilder();
  const series = {
    exchange: 'ASX',
    symbol: 'BHP',
    assetClass: 'equities',
    currency: 'AUD',
    session: '2014-03-10',
    sequenceOrigin: 'venue',
    firstSequence: 1,
  } as const;
  for (let row = 0; row < count; row++) {
    const eventTimeUs = startUs + row * 1_000;
    builder.appendTrade(series, {
      eventTimeUs,
      receiveTimeUs: eventTimeUs + 5_000,
      venueSequence: firstSequence + row,
      vendorData: null,
      tradeId: `t${firstSequence + row}`,
      price: 3_600_000_000n,
      quantity: 10_000_000_000n,
      aggressorSide: 'BUY',
      conditions: [],
    });
  }
  return builder.take()!;
}
