import { recordSchema, type Series, type TableName, type TickBatch } from '@k2/domain/market';
import { seriesKey } from '@k2/domain/sequencing';
import {
  isPortError,
  PortError,
  type Answer,
  type AnswerBatch,
  type MarketFeedErrorKind,
  type Question,
  type QueryEngine,
  type Scheduler,
  type TickStore,
} from '@k2/ports';
import { answerValue } from '../answer/answer-rows.ts';
import { plansAsOf } from '../answer/plans-as-of.ts';
import { storedSeriesStates } from '../sink/stored-states.ts';
import { RecordedSession, spanOf } from './recorded-session.ts';
import { digestRows } from './row-digest.ts';

export interface LakePorts {
  readonly store: TickStore;
  readonly engine: QueryEngine;
  readonly scheduler: Scheduler;
}

/** Rows of the lake whose digests are kept: some 64 MB. Sessions used least recently are read again. */
const ROWS_MAX = 4_000_000;
const SESSIONS_MAX = 100_000;
const ASK_TIMEOUT_MS = 120_000;
const ATTEMPTS = 6;
const RETRY_DELAY_MS = 500;

/** Looks sessions up in the lake, all of a batch at once. Bounded: what was used least recently is forgotten. */
export class RecordedSessions {
  private readonly ports: LakePorts;
  private readonly signal: AbortSignal;
  /** In order of last use; null where nothing was ever recorded of the session. */
  private readonly known = new Map<string, RecordedSession | null>();
  private rows = 0;

  constructor(ports: LakePorts, signal: AbortSignal) {
    this.ports = ports;
    this.signal = signal;
  }

  /** By the batch's series codes. */
  async of({ recordType, series }: TickBatch): Promise<readonly (RecordedSession | null)[]> {
    const keys = series.map((one) => seriesKey(recordType, one));
    const missing = series.filter((_, code) => !this.known.has(keys[code]));
    if (missing.length > 0) await this.read(recordType, missing);
    const sessions = keys.map((key) => this.known.get(key) ?? null);
    keys.forEach((key, code) => this.touch(key, sessions[code]));
    this.evict();
    return sessions;
  }

  private async read(recordType: TickBatch['recordType'], series: readonly Series[]): Promise<void> {
    const keys = series.map((one) => seriesKey(recordType, one));
    const states = await storedSeriesStates(this.ports.store, keys);
    const recorded = series.filter((_, at) => states.has(keys[at]));
    const sessions = new Map([...states].map(([key, state]) => [key, new RecordedSession(state)]));
    if (recorded.length > 0) await this.readRows(recordType, recorded, sessions);
    for (const key of keys) this.touch(key, sessions.get(key) ?? null);
  }

  private async readRows(
    recordType: TickBatch['recordType'],
    series: readonly Series[],
    sessions: ReadonlyMap<string, RecordedSession>,
  ): Promise<void> {
    const symbols = [...new Set(series.map(({ symbol }) => symbol))];
    const filter = { exchange: series[0].exchange, symbols, ...spanOf([...sessions.values()]) };
    const fields = ['symbol', 'session', 'source_sequence', ...comparedFields(recordType)];
    const compared = fields.map((_, at) => at).slice(3);
    const question = { kind: 'ticks', recordType, filter, fields, order: 'oldest-first', limit: ROWS_MAX + 1 } as const;
    const bySymbol = new Map(symbols.map((symbol) => [symbol, new Map<string, RecordedSession>()]));
    for (const one of series) bySymbol.get(one.symbol)!.set(one.session, sessions.get(seriesKey(recordType, one))!);
    let left = ROWS_MAX;
    await askLake(this.ports, question, this.signal, ({ columns }, batch) => {
      const digests = digestRows(batch, compared);
      left -= batch.rowCount;
      if (left < 0) throw tooMany(symbols);
      for (let row = 0; row < batch.rowCount; row++) {
        const symbol = answerValue(columns[0], batch, 0, row) as string;
        const session = answerValue(columns[1], batch, 1, row) as string;
        const sequence = answerValue(columns[2], batch, 2, row) as number;
        bySymbol
          .get(symbol)
          ?.get(session)
          ?.add(sequence, digests[2 * row], digests[2 * row + 1]);
      }
    });
    for (const session of sessions.values()) session.seal();
  }

  private touch(key: string, session: RecordedSession | null): void {
    this.rows -= this.known.get(key)?.rowCount ?? 0;
    this.known.delete(key);
    this.known.set(key, session);
    this.rows += session?.rowCount ?? 0;
  }

  private evict(): void {
    for (const [key, session] of this.known) {
      if (this.rows <= ROWS_MAX && this.known.size <= SESSIONS_MAX) return;
      this.known.delete(key);
      this.rows -= session?.rowCount ?? 0;
    }
  }
}

/** What a source says of a tick: all but its series and number, and what K2 adds. */
export function comparedFields(recordType: TickBatch['recordType']): readonly string[] {
  const others = ['symbol', 'session', 'source_sequence', 'exchange', 'ingestion_timestamp', 'platform_sequence'];
  return recordSchema(tableOf(recordType))
    .fields.map(({ name }) => name)
    .filter((name) => !others.includes(name));
}

/** Asks as of now; repeated for a while where the engine has no place or died, unless rows were given already. */
export async function askLake(
  { store, engine, scheduler }: LakePorts,
  question: Extract<Question, { kind: 'ticks' }>,
  signal: AbortSignal,
  take: (answer: Answer, batch: AnswerBatch) => void,
): Promise<void> {
  const request = { table: tableOf(question.recordType), ...question.filter };
  for (let attempt = 1; ; attempt++) {
    let hasGiven = false;
    try {
      const { plans } = await plansAsOf(store, [request], { kind: 'latest' });
      if (plans[0].files.length === 0) return;
      const answer = await engine.ask(question, plans, { timeoutMs: ASK_TIMEOUT_MS, signal });
      for await (const batch of answer.batches) {
        hasGiven = true;
        take(answer, batch);
      }
      return;
    } catch (error) {
      const isWorthAnother = isPortError(error) && error.retryable && !hasGiven && attempt < ATTEMPTS;
      if (!isWorthAnother || signal.aborted) throw error;
      await scheduler.sleep(RETRY_DELAY_MS, signal);
    }
  }
}

function tooMany(symbols: readonly string[]): PortError<MarketFeedErrorKind> {
  const message = `the lake has over ${ROWS_MAX} rows of the sessions of ${symbols.slice(0, 3).join(', ')} that come together: more than a load can compare; load files of fewer instruments or dates at a time`;
  return new PortError('misconfigured', message, { rowsMax: ROWS_MAX });
}

function tableOf(recordType: TickBatch['recordType']): TableName {
  return `market_data.${recordType}`;
}
