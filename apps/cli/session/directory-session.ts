import { printTimeUs, type TableName } from '@k2/domain/market';
import { alterationJson, type Completeness } from '@k2/domain/lake';
import type { OpenPlatform, Settings } from '@k2/composition';
import type { AskOptions, AsOf, Question, ScanPlan, TableSnapshot, TickFilter } from '@k2/ports';
import {
  findOpenGaps,
  inspectTable,
  MAINTAINED_TABLES,
  oneDeadline,
  plansAsOf,
  plansOfSql,
  runMaintenance,
  type MaintenanceReport,
  type MaintenanceRunProgress,
  type MaintenanceWork,
  type TicksStream,
  type TimeLeft,
} from '@k2/usecases';
import { CliError } from '../exit-codes.ts';
import { loadIntoPlatform } from './directory-load.ts';
import { gapRow } from './gap-rows.ts';
import { rowsOf } from './row-json.ts';
import { snapshotRow, tableStatsRow, type SnapshotJson } from './table-rows.ts';
import {
  listed,
  type BarsQuestion,
  type CompletenessJson,
  type GapsQuestion,
  type K2Session,
  type LoadProgress,
  type LoadSummary,
  type RowStream,
  type SnapshotsQuestion,
  type TicksQuestion,
} from './session.ts';

const LATEST: AsOf = { kind: 'latest' };

/** What a session needs of the platform that it asks. */
export interface OpenDirectory extends Pick<OpenPlatform, 'createFeed' | 'close'> {
  readonly platform: Pick<OpenPlatform['platform'], 'answers' | 'load' | 'maintenancePolicy' | 'ports'>;
}

/** A data directory that this process opened itself. */
export class DirectorySession implements K2Session {
  readonly where: string;
  private readonly opened: OpenDirectory;
  private readonly settings: Settings;
  private readonly signal: AbortSignal;

  constructor(opened: OpenDirectory, settings: Settings, signal: AbortSignal) {
    this.opened = opened;
    this.settings = settings;
    this.signal = signal;
    this.where = `the directory ${settings.data}`;
  }

  async ticks(question: TicksQuestion): Promise<RowStream> {
    return tickRows(await this.platform.answers.stream(question, this.options));
  }

  async bars(question: BarsQuestion): Promise<RowStream> {
    return tickRows(await this.platform.answers.bars(question, this.options));
  }

  async symbols(filter: TickFilter, limit: number): Promise<RowStream> {
    const left = this.deadline();
    const plans = await this.plans(['market_data.trades', 'market_data.quotes'], filter);
    return this.ask({ kind: 'symbols', filter, limit }, plans, left);
  }

  async query(sql: string, limit: number, asOf: AsOf = LATEST): Promise<RowStream> {
    const left = this.deadline();
    const { plans } = await plansOfSql(this.platform.ports, { sql, asOf }, left());
    return this.ask({ kind: 'sql', sql, limit }, plans, left);
  }

  async gaps({ recordType, filter, limit }: GapsQuestion): Promise<RowStream> {
    const request = { filter, asOf: LATEST, limit, ...(recordType !== undefined && { recordType }) };
    const { gaps } = await findOpenGaps(this.platform.ports, request, this.options);
    return listed(gaps.map(gapRow));
  }

  async snapshots({ table, limit }: SnapshotsQuestion): Promise<RowStream> {
    return listed(
      (await this.platform.ports.store.snapshots(table, limit)).map((one) => snapshotRow(snapshotJson(one))),
    );
  }

  async stats(): Promise<RowStream> {
    const stats = await this.platform.ports.store.stats();
    return listed(
      stats.map(({ snapshotId, committedUs, ...table }) =>
        tableStatsRow({
          ...table,
          snapshotId: snapshotId === null ? null : String(snapshotId),
          committedTime: committedUs === null ? null : printTimeUs(committedUs),
        }),
      ),
    );
  }

  async uncheckedFiles(): Promise<ReadonlyMap<string, number>> {
    const { store } = this.platform.ports;
    const inspections = await Promise.all(MAINTAINED_TABLES.map((table) => inspectTable(store, table)));
    return new Map(inspections.map(({ table, uncheckedFiles }) => [table, uncheckedFiles]));
  }

  maintain(
    work: MaintenanceWork,
    progress: (progress: MaintenanceRunProgress) => void,
  ): AsyncIterable<MaintenanceReport> {
    const { maintenance, store, clock } = this.platform.ports;
    if (maintenance === null) throw new CliError('the store that the settings name has no maintenance of ours to do');
    const options = { signal: this.signal, listener: progress };
    return runMaintenance({ maintenance, store, clock }, this.platform.maintenancePolicy, work, options);
  }

  async load(feed: string, progress: (progress: LoadProgress) => void): Promise<LoadSummary> {
    return loadIntoPlatform(this.platform, this.opened.createFeed(feed), feed, this, this.signal, progress);
  }

  async close(): Promise<void> {
    await this.opened.close();
  }

  private get platform() {
    return this.opened.platform;
  }

  private get options(): AskOptions {
    return { timeoutMs: this.settings.queryTimeoutMs, signal: this.signal };
  }

  private deadline(): TimeLeft {
    return oneDeadline(this.platform.ports.clock, this.options);
  }

  private async plans(
    tables: readonly TableName[],
    filter: TickFilter,
    asOf: AsOf = LATEST,
  ): Promise<readonly ScanPlan[]> {
    const requests = tables.map((table) => ({ table, ...filter }));
    return (await plansAsOf(this.platform.ports.store, requests, asOf)).plans;
  }

  private async ask(question: Question, plans: readonly ScanPlan[], left: TimeLeft): Promise<RowStream> {
    const answer = await this.platform.ports.engine.ask(question, plans, left());
    return { provenance: null, batches: rowsOf(answer) };
  }
}

function tickRows({ answer, completeness, snapshotId }: TicksStream): RowStream {
  return {
    provenance: {
      completeness: completenessJson(completeness),
      snapshotId: snapshotId === null ? null : String(snapshotId),
    },
    batches: rowsOf(answer),
  };
}

function completenessJson(completeness: Completeness): CompletenessJson {
  if (completeness.status === 'complete' || completeness.status === 'unverifiable') return completeness;
  const { gapCount, missingTicks } = completeness;
  const gaps = completeness.gaps.map(({ fromTimeUs, toTimeUs, ...gap }) => ({
    ...gap,
    fromTime: printTimeUs(fromTimeUs),
    toTime: printTimeUs(toTimeUs),
  }));
  const known = { gapCount, missingTicks, gaps };
  if (completeness.status === 'gaps') return { status: completeness.status, ...known };
  const { status, removedRows, removals } = completeness;
  return { status, removedRows, removals: removals.map(alterationJson), ...known };
}

function snapshotJson(snapshot: TableSnapshot): SnapshotJson {
  const { snapshotId, parentSnapshotId, committedUs, alterations, ...rest } = snapshot;
  return {
    ...rest,
    snapshotId: String(snapshotId),
    parentSnapshotId: parentSnapshotId === null ? null : String(parentSnapshotId),
    committedTime: printTimeUs(committedUs),
    alterations: alterations.map(alterationJson),
  };
}
