import {
  completeness,
  type Completeness,
  type CoverageScope,
  type SequenceGapRecord,
  type SessionRecord,
} from '@k2/domain/lake';
import {
  isPortError,
  type AskOptions,
  type AsOf,
  type Question,
  type QueryEngine,
  type ScanPlan,
  type ScanRequest,
  type TickStore,
} from '@k2/ports';
import { answerRows, type AnswerRow } from './answer-rows.ts';

/** Ledger rows that one judgement may read; a wider scope is unverifiable rather than judged by a part. */
const LEDGER_ROWS_MAX = 1_000_000;
/** Judgements kept; the least recently asked goes first. A new gap or session makes the old ones unreachable. */
const JUDGEMENTS_MAX = 1_000;

/** Judges answers by the gap ledger as of the instant that the answer is of. */
export class Coverage {
  private readonly store: TickStore;
  private readonly engine: QueryEngine;
  private readonly judgements = new Map<string, Completeness>();

  constructor(store: TickStore, engine: QueryEngine) {
    this.store = store;
    this.engine = engine;
  }

  /** `committedUs`: of the snapshot answered from; null where the table has none. */
  async judge(scope: CoverageScope, committedUs: number | null, options: AskOptions): Promise<Completeness> {
    if (committedUs === null) return completeness(scope, [], []);
    const asOf: AsOf = { kind: 'time', timeUs: committedUs };
    const [gaps, sessions] = await Promise.all([
      this.plan({ table: 'audit.sequence_gaps', asOf, ...instrumentsOf(scope) }),
      this.plan({ table: 'audit.sessions', asOf, ...instrumentsOf(scope) }),
    ]);
    const key = JSON.stringify([String(gaps?.snapshotId), String(sessions?.snapshotId), scope]);
    const known = this.judgements.get(key);
    const judged = known ?? (await this.judgeBy(scope, gaps, sessions, options));
    this.judgements.delete(key);
    this.judgements.set(key, judged);
    if (this.judgements.size > JUDGEMENTS_MAX) this.judgements.delete(this.judgements.keys().next().value!);
    return judged;
  }

  private async judgeBy(
    scope: CoverageScope,
    gaps: ScanPlan | null,
    sessions: ScanPlan | null,
    options: AskOptions,
  ): Promise<Completeness> {
    const question: Question = {
      kind: 'audit',
      filter: { recordType: scope.recordType, ...instrumentsOf(scope) },
      limit: LEDGER_ROWS_MAX,
    };
    const rows = async (plan: ScanPlan | null) =>
      plan === null || plan.files.length === 0 ? [] : answerRows(await this.engine.ask(question, [plan], options));
    const [gapRows, sessionRows] = await Promise.all([rows(gaps), rows(sessions)]);
    if (gapRows.length === LEDGER_ROWS_MAX || sessionRows.length === LEDGER_ROWS_MAX) {
      return {
        status: 'unverifiable',
        reason: `the ledger holds over ${LEDGER_ROWS_MAX} entries for this: ask for fewer instruments`,
      };
    }
    return completeness(scope, gapRows.map(gapRecord), sessionRows.map(sessionRecord));
  }

  /** Null: the ledger had no entry yet at that time. */
  private async plan(request: ScanRequest): Promise<ScanPlan | null> {
    try {
      return await this.store.plan(request);
    } catch (error) {
      if (isPortError(error, 'no-snapshot-before')) return null;
      throw error;
    }
  }
}

function instrumentsOf({ exchange, symbols }: CoverageScope): Pick<CoverageScope, 'exchange' | 'symbols'> {
  return { ...(exchange !== undefined && { exchange }), ...(symbols !== undefined && { symbols }) };
}

export function gapRecord(row: AnswerRow): SequenceGapRecord {
  return {
    recordType: row['record_type'] as SequenceGapRecord['recordType'],
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

function sessionRecord(row: AnswerRow): SessionRecord {
  return {
    recordType: row['record_type'] as SessionRecord['recordType'],
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
    session: row['session'] as string,
    sequenceOrigin: row['sequence_origin'] as SessionRecord['sequenceOrigin'],
    openedBy: row['opened_by'] as SessionRecord['openedBy'],
    firstSequence: row['first_sequence'] as number,
    eventTimeUs: row['timestamp'] as number,
    platformSequence: row['platform_sequence'] as number,
  };
}
