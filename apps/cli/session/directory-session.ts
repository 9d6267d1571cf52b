import { RECORD_SCHEMAS, printTimeUs, type RecordType, type TableName } from '@k2/domain/market';
import type { Completeness } from '@k2/domain/lake';
import type { OpenPlatform, Settings } from '@k2/composition';
import type { AskOptions, Question, ScanPlan, TableSnapshot, TickFilter } from '@k2/ports';
import { answerRows, type TicksStream } from '@k2/usecases';
import { loadIntoPlatform } from './directory-load.ts';
import { gapRows } from './gap-rows.ts';
import { rowsOf } from './row-json.ts';
import { snapshotRow, tableStatsRow, type SnapshotJson } from './table-rows.ts';
import {
  listed,
  type BarsQuestion,
  type CompletenessJson,
  type GapsQuestion,
  type JsonRow,
  type K2Session,
  type LoadProgress,
  type LoadSummary,
  type RowStream,
  type SnapshotsQuestion,
  type TicksQuestion,
} from './session.ts';

const LATEST = { kind: 'latest' } as const;
const RECORD_TYPES: readonly RecordType[] = ['trades', 'quotes'];
/** Entries of the gap ledger read for one listing. */
const LEDGER_ROWS_MAX = 1_000_000;

/** What a session needs of the platform that it asks. */
export interface OpenDirectory extends Pick<OpenPlatform, 'createFeed' | 'close'> {
  readonly platform: Pick<OpenPlatform['platform'], 'answers' | 'load' | 'ports'>;
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
    const plans = await this.plans(['market_data.trades', 'market_data.quotes'], filter);
    return this.ask({ kind: 'symbols', filter, limit }, plans);
  }

  async query(sql: string, limit: number): Promise<RowStream> {
    const tables = RECORD_SCHEMAS.map(({ table }) => table);
    return this.ask({ kind: 'sql', sql, limit }, await this.plans(tables, {}));
  }

  async gaps({ recordType, filter, limit }: GapsQuestion): Promise<RowStream> {
    const plans = await this.plans(['audit.sequence_gaps'], filter);
    const rows: JsonRow[] = [];
    for (const type of recordType === undefined ? RECORD_TYPES : [recordType]) {
      const question: Question = { kind: 'audit', filter: { ...filter, recordType: type }, limit: LEDGER_ROWS_MAX };
      const ledger = await answerRows(await this.platform.ports.engine.ask(question, plans, this.options));
      rows.push(...gapRows(type, ledger));
    }
    return listed(rows.slice(0, limit));
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

  private plans(tables: readonly TableName[], filter: TickFilter): Promise<readonly ScanPlan[]> {
    return Promise.all(tables.map((table) => this.platform.ports.store.plan({ table, asOf: LATEST, ...filter })));
  }

  private async ask(question: Question, plans: readonly ScanPlan[]): Promise<RowStream> {
    const answer = await this.platform.ports.engine.ask(question, plans, this.options);
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
  if (completeness.status !== 'gaps') return completeness;
  const { status, gapCount, missingTicks } = completeness;
  const gaps = completeness.gaps.map(({ fromTimeUs, toTimeUs, ...gap }) => ({
    ...gap,
    fromTime: printTimeUs(fromTimeUs),
    toTime: printTimeUs(toTimeUs),
  }));
  return { status, gapCount, missingTicks, gaps };
}

function snapshotJson({ snapshotId, parentSnapshotId, committedUs, ...rest }: TableSnapshot): SnapshotJson {
  return {
    ...rest,
    snapshotId: String(snapshotId),
    parentSnapshotId: parentSnapshotId === null ? null : String(parentSnapshotId),
    committedTime: printTimeUs(committedUs),
  };
}
