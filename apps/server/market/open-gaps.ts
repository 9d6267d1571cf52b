import { openGaps, type MissingTicks, type SequenceGapRecord } from '@k2/domain/lake';
import { RECORD_TYPES, type RecordType, type Utf8Column } from '@k2/domain/market';
import type {
  AnswerBatch,
  AnswerColumn,
  AnswerValues,
  AskOptions,
  AsOf,
  QueryEngine,
  TickFilter,
  TickStore,
} from '@k2/ports';
import { answerRows, type AnswerRow } from '@k2/usecases';
import { ProblemError } from '../http/problem.ts';
import { plansAsOf } from './plans.ts';

/** Ledger rows that one request may read. */
const LEDGER_ROWS_MAX = 1_000_000;

export interface OpenGap extends MissingTicks {
  readonly recordType: RecordType;
}

export interface GapsRequest {
  readonly filter: TickFilter;
  readonly recordType?: RecordType;
  readonly asOf: AsOf;
}

/** What is missing within a filter: gaps reported less what arrived late, by record type, instrument and sequence. */
export async function findOpenGaps(
  { store, engine }: { readonly store: TickStore; readonly engine: QueryEngine },
  { filter, recordType, asOf }: GapsRequest,
  options: AskOptions,
): Promise<readonly OpenGap[]> {
  const { fromUs = -Infinity, toUs = Infinity, ...instruments } = filter;
  const plans = await plansAsOf(store, ['audit.sequence_gaps'], asOf, instruments);
  if (plans.every(({ files }) => files.length === 0)) return [];
  const asked = { ...instruments, ...(recordType !== undefined && { recordType }) };
  const answer = await engine.ask({ kind: 'audit', filter: asked, limit: LEDGER_ROWS_MAX }, plans, options);
  const ledger = (await answerRows(answer)).map(gapRecord);
  if (ledger.length === LEDGER_ROWS_MAX) {
    throw new ProblemError(
      'invalid-request',
      `the ledger holds over ${LEDGER_ROWS_MAX} entries for this: ask for fewer instruments`,
    );
  }
  return RECORD_TYPES.flatMap((type) =>
    openGaps(ledger.filter((gap) => gap.recordType === type))
      .filter((gap) => gap.toTimeUs >= fromUs && gap.fromTimeUs < toUs)
      .map((gap) => ({ recordType: type, ...gap })),
  );
}

export const GAP_COLUMNS: readonly AnswerColumn[] = [
  { name: 'record_type', type: 'string' },
  { name: 'exchange', type: 'string' },
  { name: 'symbol', type: 'string' },
  { name: 'session', type: 'string' },
  { name: 'sequence_from', type: 'integer' },
  { name: 'sequence_to', type: 'integer' },
  { name: 'missing_ticks', type: 'integer' },
  { name: 'timestamp_from', type: 'timestamp' },
  { name: 'timestamp_to', type: 'timestamp' },
];

export function gapsBatch(gaps: readonly OpenGap[]): AnswerBatch {
  const columns: AnswerValues[] = [
    strings(gaps.map(({ recordType }) => recordType)),
    strings(gaps.map(({ exchange }) => exchange)),
    strings(gaps.map(({ symbol }) => symbol)),
    strings(gaps.map(({ session }) => session)),
    integers(gaps.map(({ sequenceFrom }) => sequenceFrom)),
    integers(gaps.map(({ sequenceTo }) => sequenceTo)),
    integers(gaps.map(({ sequenceFrom, sequenceTo }) => sequenceTo - sequenceFrom + 1)),
    integers(gaps.map(({ fromTimeUs }) => fromTimeUs)),
    integers(gaps.map(({ toTimeUs }) => toTimeUs)),
  ];
  return { rowCount: gaps.length, columns, nulls: columns.map(() => null) };
}

const integers = (values: readonly number[]): AnswerValues => ({ kind: 'integer', values: Float64Array.from(values) });

function strings(texts: readonly string[]): AnswerValues {
  const offsets = new Uint32Array(texts.length + 1);
  texts.forEach((text, row) => (offsets[row + 1] = offsets[row] + Buffer.byteLength(text)));
  const values: Utf8Column = { offsets, bytes: Buffer.from(texts.join('')) };
  return { kind: 'utf8', values };
}

function gapRecord(row: AnswerRow): SequenceGapRecord {
  return {
    recordType: row['record_type'] as RecordType,
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
    session: row['session'] as string,
    status: row['status'] as SequenceGapRecord['status'],
    sequenceFrom: row['sequence_from'] as number,
    sequenceTo: row['sequence_to'] as number,
    fromTimeUs: row['timestamp_from'] as number,
    toTimeUs: row['timestamp_to'] as number,
    detectedTimeUs: row['detected_timestamp'] as number,
    platformSequence: row['platform_sequence'] as number,
  };
}
