import { printTimeUs, recordColumns, selectRows, type TickBatch, type Venue } from '@k2/domain/market';
import { inspectBatch } from '@k2/domain/quality';
import { seriesKey } from '@k2/domain/sequencing';
import type { AnswerBatch, AnswerColumn, FeedEvent, MarketFeed } from '@k2/ports';
import { answerValue } from '../answer/answer-rows.ts';
import type { RecordedSession } from './recorded-session.ts';
import { askLake, comparedFields, RecordedSessions, type LakePorts } from './recorded-sessions.ts';
import { digestRows } from './row-digest.ts';
import { SessionComparison, type RowDifference, type SessionDifference } from './session-comparison.ts';

/** What a load found in the lake of the sessions that it brought. */
export interface LoadComparison {
  /** Sessions that the lake had in part and rows that they got: appended ones, or such as fill holes. */
  readonly completedSessions: number;
  readonly completedRows: number;
  /** Sessions that differ from those of the lake. */
  readonly differingSessions: number;
  /** Rows of them that were not taken. */
  readonly notTakenRows: number;
  /** The first of the sessions that differ. */
  readonly differences: readonly SessionDifference[];
}

const DIFFERENCES_NAMED = 20;
/** More than a session has that was compared. */
const LAKE_ROWS_MAX = 20_000_000;
const SESSIONS_OPEN_MAX = 100_000;
const NOTHING_YET = { completedSessions: 0, completedRows: 0, differingSessions: 0, notTakenRows: 0 };
export const NOTHING_COMPARED: LoadComparison = { ...NOTHING_YET, differences: [] };

/**
 * A finite feed less what contradicts the lake. A row whose number the lake has would be dropped as a duplicate, whatever
 * it says; here it is compared first. Rows that are another now are kept out, and so are the new rows behind them in their
 * session, which may be old ones under a new number. Everything else passes.
 */
export class ScreenedFeed implements MarketFeed {
  readonly name: string;
  readonly venues: readonly Venue[];
  private readonly feed: MarketFeed;
  private readonly ports: LakePorts;
  /** Of sessions that may have more rows to come. */
  private comparisons = new Map<string, SessionComparison>();
  private settled: Omit<LoadComparison, 'differences'> = NOTHING_YET;
  /** The first that differ. */
  private differing: SessionComparison[] = [];
  private isWhole = false;
  private rows = 0;

  constructor(feed: MarketFeed, ports: LakePorts) {
    this.name = feed.name;
    this.venues = feed.venues;
    this.feed = feed;
    this.ports = ports;
  }

  /** Rows that the source gave in the latest `open`, refused ones and such as were kept out included. */
  get readRows(): number {
    return this.rows;
  }

  async *open(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    this.comparisons = new Map();
    this.settled = NOTHING_YET;
    this.differing = [];
    this.isWhole = false;
    this.rows = 0;
    const sessions = new RecordedSessions(this.ports, signal);
    for await (const event of this.feed.open(signal)) {
      if (event.kind === 'rejections') this.rows += event.rejections.length;
      if (event.kind !== 'ticks') yield event;
      else {
        this.rows += event.batch.rowCount;
        const batch = this.screen(event.batch, await sessions.of(event.batch), event.placeOf);
        if (batch !== null) yield { kind: 'ticks', batch };
        this.settle(SESSIONS_OPEN_MAX);
      }
    }
    this.isWhole = !signal.aborted;
  }

  /** Of the latest `open`. A feed that was stopped has nothing to say of what it lacks. */
  async comparison(signal: AbortSignal): Promise<LoadComparison> {
    if (!this.isWhole) return NOTHING_COMPARED;
    this.settle(0);
    const differences: SessionDifference[] = [];
    for (const one of this.differing) differences.push(one.difference(await this.changedRows(one, signal))!);
    return { ...this.settled, differences };
  }

  /**
   * Reads the source again, beside the lake as it is now: of rows that were taken to be new, those differ whose number
   * another writer had meanwhile. What completed sessions is as the latest `open` found it. `listener` hears the progress.
   */
  async compareAgain(signal: AbortSignal, listener: (event: FeedEvent) => void): Promise<LoadComparison> {
    const { completedSessions, completedRows } = await this.comparison(signal);
    const again = new ScreenedFeed(this.feed, this.ports);
    for await (const event of again.open(signal)) if (event.kind === 'progress') listener(event);
    return { ...(await again.comparison(signal)), completedSessions, completedRows };
  }

  /** Counts the sessions that came first, down to so many: a source is long done with them. */
  private settle(openMax: number): void {
    for (const [key, one] of this.comparisons) {
      if (this.comparisons.size <= openMax) return;
      this.comparisons.delete(key);
      const differs = one.difference([]) !== null;
      if (differs && this.differing.length < DIFFERENCES_NAMED) this.differing.push(one);
      const { completedSessions, completedRows, differingSessions, notTakenRows } = this.settled;
      this.settled = {
        completedSessions: completedSessions + (one.newRows > 0 ? 1 : 0),
        completedRows: completedRows + one.newRows,
        differingSessions: differingSessions + (differs ? 1 : 0),
        notTakenRows: notTakenRows + one.notTakenRows,
      };
    }
  }

  /** The batch less the rows that are kept out; null where all of them are. */
  private screen(
    batch: TickBatch,
    sessions: readonly (RecordedSession | null)[],
    placeOf: ((row: number) => string) | undefined,
  ): TickBatch | null {
    if (sessions.every((session) => session === null)) return batch;
    const { recordType, series, seriesCode, venueSequence, rowCount } = batch;
    const { columns, rows } = comparable(batch);
    const digests = digestRows(
      rows,
      columns.map((_, at) => at),
    );
    const refusals = inspectBatch(batch);
    const comparisons = series.map((of, code) => {
      const session = sessions[code];
      if (session === null) return null;
      const key = seriesKey(recordType, of);
      const known = this.comparisons.get(key) ?? new SessionComparison(recordType, of, session);
      this.comparisons.set(key, known);
      return known;
    });
    const kept = new Uint32Array(rowCount);
    let count = 0;
    for (let row = 0; row < rowCount; row++) {
      const code = seriesCode[row];
      const comparison = comparisons[code];
      if (comparison === null) {
        kept[count++] = row;
        continue;
      }
      const sequence = venueSequence[row];
      const at = () => placeOf?.(row) ?? `${this.name} ${sequence}`;
      const [low, high] = [digests[2 * row], digests[2 * row + 1]];
      const isRefused = refusals !== null && refusals[row] !== 0;
      const verdict = comparison.row(sessions[code]!, sequence, low, high, isRefused, at);
      if (verdict === 'taken') kept[count++] = row;
      else if (verdict === 'changed' && comparison.wantsValues)
        comparison.changed.push({
          at: at(),
          sequence,
          values: columns.map((_, field) => shown(columns, rows, field, row)),
        });
    }
    if (count === rowCount) return batch;
    return count === 0 ? null : selectRows(batch, kept.subarray(0, count));
  }

  /** The first rows that changed, with what the lake says in their place. */
  private async changedRows({ recordType, series, changed, span }: SessionComparison, signal: AbortSignal) {
    const rows: RowDifference[] = [];
    if (changed.length === 0) return rows;
    const wanted = new Map(changed.map((row) => [row.sequence, row]));
    const fields = [...comparedFields(recordType), 'session', 'source_sequence'];
    const [sessionAt, sequenceAt] = [fields.length - 2, fields.length - 1];
    const filter = { exchange: series.exchange, symbols: [series.symbol], ...span };
    const question = {
      kind: 'ticks',
      recordType,
      filter,
      fields,
      order: 'oldest-first',
      limit: LAKE_ROWS_MAX,
    } as const;
    await askLake(this.ports, question, signal, ({ columns }, batch) => {
      for (let row = 0; row < batch.rowCount; row++) {
        const of = wanted.get(Number(answerValue(columns[sequenceAt], batch, sequenceAt, row)));
        if (of === undefined || answerValue(columns[sessionAt], batch, sessionAt, row) !== series.session) continue;
        const differing = of.values.flatMap((source, at) => {
          const lake = shown(columns, batch, at, row);
          return source === lake ? [] : [{ field: fields[at], source, lake }];
        });
        rows.push({ at: of.at, sequence: of.sequence, fields: differing });
      }
    });
    return rows.sort((a, b) => a.sequence - b.sequence);
  }
}

/** A batch as the lake would answer it, with the fields that are compared. */
function comparable(batch: TickBatch): { readonly columns: readonly AnswerColumn[]; readonly rows: AnswerBatch } {
  const platformSequence = new BigInt64Array(batch.rowCount);
  const all = new Map(recordColumns({ batch, platformSequence }).columns.map((column) => [column.name, column]));
  const fields = comparedFields(batch.recordType).map((name) => all.get(name)!);
  return {
    columns: fields.map(({ name, type }) => ({ name, type: type === 'long' || type === 'int' ? 'integer' : type })),
    rows: { rowCount: batch.rowCount, columns: fields.map(({ column }) => column), nulls: fields.map(() => null) },
  };
}

/** A value for a person. */
function shown(columns: readonly AnswerColumn[], batch: AnswerBatch, at: number, row: number): string {
  const value = answerValue(columns[at], batch, at, row);
  if (value === null || value === '') return 'none';
  if (columns[at].type === 'timestamp') return printTimeUs(Number(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
