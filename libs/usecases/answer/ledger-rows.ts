import {
  OpenRanges,
  SessionSpans,
  SessionStarts,
  type LedgerSeries,
  type MissingTicksSink,
  type TimeRange,
} from '@k2/domain/lake';
import { utf8At, type RecordType } from '@k2/domain/market';
import type { AnswerBatch, AnswerColumn, AskOptions, QueryEngine, Question, ScanPlan } from '@k2/ports';

export type LedgerFilter = Extract<Question, { readonly kind: 'audit' }>['filter'];

/**
 * Gives the ranges of `audit.sequence_gaps` that are missing to `sink`, by record type, exchange, symbol, session and
 * sequence. The ledger is read as it comes and not kept: it may have any number of entries.
 */
export async function readMissing(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: LedgerFilter,
  sink: MissingTicksSink,
  options: AskOptions,
): Promise<void> {
  const ranges = new OpenRanges(sink);
  let series: LedgerSeries | null = null;
  await forEachBatch(engine, plan, filter, options, (batch) => {
    const [recordType, exchange, symbol, session, status] = batch.texts(SERIES_AND_STATUS);
    const [from, to, fromTimeUs, toTimeUs] = batch.numbers(NUMBERS_AND_TIMES);
    for (let row = 0; row < batch.rowCount; row++) {
      if (
        series === null ||
        session(row) !== series.session ||
        symbol(row) !== series.symbol ||
        exchange(row) !== series.exchange ||
        recordType(row) !== series.recordType
      ) {
        series = {
          recordType: recordType(row) as LedgerSeries['recordType'],
          exchange: exchange(row),
          symbol: symbol(row),
          session: session(row),
        };
        ranges.begin(series);
      }
      if (status(row) === 'open') ranges.addOpen(from[row], to[row], fromTimeUs[row], toTimeUs[row]);
      else ranges.addFilled(from[row], to[row]);
    }
  });
  ranges.end();
}

/** The times to read entries of, so that all ranges that may be of some times are among them. */
export function timesOfEntries({ toUs, ...from }: TimeRange, starts: SessionStarts): TimeRange {
  return { ...from, ...(toUs !== undefined && { toUs: starts.nextOpenedUs(toUs) }) };
}

/** What `audit.sessions` says of some instruments. */
export interface RecordedSessions {
  readonly spans: SessionSpans;
  readonly starts: SessionStarts;
  readonly sizeBytes: number;
}

/** The sessions of `audit.sessions`; `filter` has no times, as a session lasts until the next. */
export async function readSessions(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: Omit<LedgerFilter, 'fromUs' | 'toUs'>,
  options: AskOptions,
): Promise<RecordedSessions> {
  const spans = new SessionSpans(filter.symbols !== undefined);
  const starts = new SessionStarts();
  await forEachBatch(engine, plan, filter, options, (batch) => {
    const [recordType, exchange, symbol, origin] = batch.texts(INSTRUMENT_AND_ORIGIN);
    const [firstSequence, eventTimeUs] = batch.numbers(['first_sequence', 'timestamp']);
    for (let row = 0; row < batch.rowCount; row++) {
      const of = { recordType: recordType(row) as RecordType, exchange: exchange(row), symbol: symbol(row) };
      spans.add({ ...of, isNumbered: origin(row) !== 'arrival' }, firstSequence[row], eventTimeUs[row]);
      starts.add(of, firstSequence[row], eventTimeUs[row]);
    }
  });
  spans.end();
  return { spans, starts, sizeBytes: spans.sizeBytes + starts.sizeBytes };
}

const INSTRUMENT_AND_ORIGIN = ['record_type', 'exchange', 'symbol', 'sequence_origin'];
const SERIES_AND_STATUS = ['record_type', 'exchange', 'symbol', 'session', 'status'];
const NUMBERS_AND_TIMES = ['sequence_from', 'sequence_to', 'timestamp_from', 'timestamp_to'];

/** Rows of an answer, a column at a time. */
class Columns {
  readonly rowCount: number;
  private readonly columns: readonly AnswerColumn[];
  private readonly batch: AnswerBatch;

  constructor(columns: readonly AnswerColumn[], batch: AnswerBatch) {
    this.columns = columns;
    this.batch = batch;
    this.rowCount = batch.rowCount;
  }

  texts(names: readonly string[]): readonly ((row: number) => string)[] {
    return names.map((name) => {
      const column = this.values(name);
      if (column.kind === 'dictionary') return (row) => column.dictionary[column.codes[row]] as string;
      if (column.kind === 'utf8') return (row) => utf8At(column.values, row) ?? '';
      throw new TypeError(`column ${name} of the ledger is ${column.kind}: expected text`);
    });
  }

  numbers(names: readonly string[]): readonly Float64Array[] {
    return names.map((name) => {
      const column = this.values(name);
      if (column.kind === 'integer') return column.values;
      throw new TypeError(`column ${name} of the ledger is ${column.kind}: expected integers`);
    });
  }

  private values(name: string) {
    const at = this.columns.findIndex((column) => column.name === name);
    if (at < 0) throw new TypeError(`the answer has no column ${name}, which every ledger has`);
    return this.batch.columns[at];
  }
}

async function forEachBatch(
  engine: QueryEngine,
  plan: ScanPlan,
  filter: LedgerFilter,
  options: AskOptions,
  take: (batch: Columns) => void,
): Promise<void> {
  const limit = plan.files.reduce((rows, file) => rows + file.rowCount, 0);
  if (limit === 0) return;
  await using answer = await engine.ask({ kind: 'audit', filter, limit }, [plan], options);
  for await (const batch of answer.batches) take(new Columns(answer.columns, batch));
}
