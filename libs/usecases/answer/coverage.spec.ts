import { describe, expect, it } from '@jest/globals';
import { ManualClock, MemoryQueryEngine, MemoryTickStore, SeededRandom } from '@k2/adapter-memory';
import { SessionStarts, type CoverageScope, type SequenceGapRecord, type SessionRecord } from '@k2/domain/lake';
import { SEQUENCE_GAPS_SCHEMA, SESSIONS_SCHEMA, RECORD_SCHEMAS } from '@k2/domain/market';
import { sequenceBatch, settleGaps, type SeriesState } from '@k2/domain/sequencing';
import {
  PortError,
  type Answer,
  type AnswerBatch,
  type AskOptions,
  type QueryEngine,
  type Question,
  type ScanPlan,
} from '@k2/ports';
import { gapRecord, placed, plannedRows, series, sessionRecord, tradeBatch } from '@k2/testing/builders';
import fc from 'fast-check';
import { GapNotes } from '../sink/gap-notes.ts';
import { Coverage } from './coverage.ts';
import { Ledger, LEDGER_LIMITS } from './ledger.ts';

const OPTIONS: AskOptions = { timeoutMs: 10_000 };
const NO_SESSIONS = { starts: new SessionStarts() };
const SCOPE: CoverageScope = { recordType: 'trades', exchange: 'ASX', symbols: ['BHP'] };

describe('coverage', () => {
  it('is of every ledger what its entries say one by one, whatever times are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        tape,
        times,
        fc.integer({ min: 0, max: 30 }),
        async (batches, { fromUs, toUs }, wholeRowsMax) => {
          const { gaps, sessions } = sequenced(batches);
          const { engine, plans } = await lakeOf(gaps, sessions);
          const ledger = new Ledger(engine, { ...LEDGER_LIMITS, wholeRowsMax });
          const asked = { ...SCOPE, fromUs, toUs };
          const recorded = await ledger.sessions(asked, plans.sessions, OPTIONS);
          const expected = missingNumbers(gaps, sessions[0], asked);
          for (let time = 0; time < 2; time++) {
            const known = await ledger.missing(asked, plans.gaps, recorded, OPTIONS);
            expect(known.missingTicks).toBe(expected.length);
            expect(numbersOf(known.gaps)).toEqual(expected);
          }
          // What a wider reading is kept of says the same.
          const wide = new Ledger(engine, { ...LEDGER_LIMITS, wholeRowsMax });
          await wide.missing(SCOPE, plans.gaps, recorded, OPTIONS);
          expect(await wide.missing(asked, plans.gaps, recorded, OPTIONS)).toEqual(
            await ledger.missing(asked, plans.gaps, recorded, OPTIONS),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds whatever the venue sent at some times and never came, in a session or before its first tick seen', async () => {
    await fc.assert(
      fc.asyncProperty(venueDays, times, fc.integer({ min: 0, max: 5 }), async (days, asked, wholeRowsMax) => {
        const sent = sentTicks(days);
        const { gaps, sessions } = received(sent);
        const { engine, plans } = await lakeOf(gaps, sessions);
        const ledger = new Ledger(engine, { ...LEDGER_LIMITS, wholeRowsMax });
        for (const scope of [{ ...SCOPE, ...asked }, { recordType: 'trades', exchange: 'ASX', ...asked } as const]) {
          const known = await ledger.missing(
            scope,
            plans.gaps,
            await ledger.sessions(scope, plans.sessions, OPTIONS),
            OPTIONS,
          );
          const found = known.gaps.flatMap(({ session, ...gap }) =>
            numbersOf([gap]).map((number) => `${session} ${number}`),
          );
          expect(found.sort()).toEqual(missingByDefinition(sent, asked).sort());
          const lost = sent.filter((tick) => !tick.isSeen && isKnownOf(sent, tick) && isWithin(tick, asked));
          expect(found).toEqual(expect.arrayContaining(lost.map(nameOf)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('counts a ledger of more than a million entries, lists the first, and keeps what it found', async () => {
    const entries = 1_200_000;
    const { engine, asked } = columnsEngine(entries);
    const coverage = new Coverage(engine);
    const plans = {
      ticks: planOf('market_data.trades', 1),
      gaps: planOf('audit.sequence_gaps', entries),
      sessions: planOf('audit.sessions', 1),
    };
    const scope = { ...SCOPE, fromUs: 0, toUs: 10 * entries };
    const judged = await coverage.judge(scope, plans, OPTIONS);
    // Each fourth entry fills the third.
    expect(judged).toMatchObject({ status: 'gaps', gapCount: entries / 2, missingTicks: entries / 2 });
    expect(judged.status === 'gaps' && judged.gaps).toHaveLength(1_000);
    expect(asked.map(({ limit }) => limit)).toEqual([1, entries]);
    expect(await coverage.judge(scope, plans, OPTIONS)).toEqual(judged);
    expect(asked).toHaveLength(2);
  });

  it('is never judged by a part of the ledger: an answer that ends early is an error', async () => {
    const { engine } = columnsEngine(100_000, 50_000);
    const plans = {
      ticks: planOf('market_data.trades', 1),
      gaps: planOf('audit.sequence_gaps', 100_000),
      sessions: planOf('audit.sessions', 1),
    };
    await expect(new Coverage(engine).judge(SCOPE, plans, OPTIONS)).rejects.toMatchObject({ kind: 'timeout' });
  });
});

describe('the ledger', () => {
  const gap = gapRecord({ fromTimeUs: 40, toTimeUs: 50 });

  it('reads a large ledger of the times asked for only, and a small one whole', async () => {
    const large = await lakeOf([gap], [sessionRecord()]);
    const scope = { ...SCOPE, fromUs: 45, toUs: 46 };
    const reads = async (wholeRowsMax: number) => {
      large.asked.length = 0;
      await new Ledger(large.engine, { ...LEDGER_LIMITS, wholeRowsMax }).missing(
        scope,
        large.plans.gaps,
        NO_SESSIONS,
        OPTIONS,
      );
      return large.asked.map(({ filter }) => filter);
    };
    expect(await reads(0)).toEqual([scope]);
    expect(await reads(1)).toEqual([SCOPE]);
  });

  it('answers times within those it has read without reading again; wider ones, other instruments and snapshots not', async () => {
    const { engine, asked, plans } = await lakeOf([gap], [sessionRecord()]);
    const ledger = new Ledger(engine, { ...LEDGER_LIMITS, wholeRowsMax: 0 });
    const readsFor = async (scope: Partial<CoverageScope>, plan = plans.gaps) => {
      asked.length = 0;
      const { gapCount } = await ledger.missing({ ...SCOPE, ...scope }, plan, NO_SESSIONS, OPTIONS);
      return [asked.length, gapCount];
    };
    expect(await readsFor({ fromUs: 30, toUs: 60 })).toEqual([1, 1]);
    expect(await readsFor({ fromUs: 45, toUs: 46 })).toEqual([0, 1]);
    expect(await readsFor({ fromUs: 51, toUs: 60 })).toEqual([0, 0]);
    expect(await readsFor({ fromUs: 29, toUs: 60 })).toEqual([1, 1]);
    expect(await readsFor({ symbols: ['RIO'], fromUs: 30, toUs: 60 })).toEqual([1, 0]);
    expect(await readsFor({ recordType: 'quotes', fromUs: 30, toUs: 60 })).toEqual([1, 0]);
    expect(await readsFor({ fromUs: 30, toUs: 60 }, { ...plans.gaps, snapshotId: 77n })).toEqual([1, 1]);
    expect(await readsFor({})).toEqual([1, 1]);
    expect(await readsFor({ fromUs: 1_000 })).toEqual([0, 0]);
  });

  it('keeps what it was asked for of more ranges than it keeps, and reads other times again', async () => {
    const many = Array.from({ length: 50 }, (_, at) =>
      gapRecord({ sequenceFrom: 2 * at, sequenceTo: 2 * at, fromTimeUs: at, toTimeUs: at }),
    );
    const { engine, asked, plans } = await lakeOf(many, []);
    const ledger = new Ledger(engine, { ...LEDGER_LIMITS, readingBytesMax: 1_000 });
    const within = (fromUs: number, toUs: number) =>
      ledger.missing({ ...SCOPE, fromUs, toUs }, plans.gaps, NO_SESSIONS, OPTIONS);
    expect(await within(0, 50)).toMatchObject({ gapCount: 50 });
    expect(await within(0, 50)).toMatchObject({ gapCount: 50 });
    expect(asked).toHaveLength(1);
    expect(await within(10, 20)).toMatchObject({ gapCount: 10 });
    expect(asked).toHaveLength(2);
  });

  it('forgets what was used longest ago beyond its bytes', async () => {
    const { engine, asked, plans } = await lakeOf([gap], []);
    const ledger = new Ledger(engine, { ...LEDGER_LIMITS, cacheBytesMax: 4_000 });
    const of = (symbol: string) => ledger.missing({ ...SCOPE, symbols: [symbol] }, plans.gaps, NO_SESSIONS, OPTIONS);
    for (const symbol of ['BHP', 'A', 'BHP', 'B', 'BHP', 'C', 'BHP']) await of(symbol);
    expect(asked).toHaveLength(4);
    await of('A');
    expect(asked).toHaveLength(5);
  });
});

/** Batches of numbers with times that need not rise, and which of the rows are refused by quality. */
const tape = fc.array(
  fc.array(
    fc.record({
      venueSequence: fc.integer({ min: 1, max: 25 }),
      eventTimeUs: fc.integer({ min: 0, max: 100 }),
      isRefused: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 1, maxLength: 8 },
);

const times = fc
  .tuple(fc.integer({ min: 0, max: 110 }), fc.integer({ min: 1, max: 60 }))
  .map(([fromUs, length]) => ({ fromUs, toUs: fromUs + length }));

type Tape = readonly (readonly { venueSequence: number; eventTimeUs: number; isRefused: boolean }[])[];

/** Sessions that follow each other: of each tick the time since the one before, and whether it came. */
const venueDays = fc.array(
  fc.array(fc.record({ afterUs: fc.integer({ min: 0, max: 12 }), isSeen: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  }),
  { minLength: 1, maxLength: 5 },
);

interface SentTick {
  readonly session: number;
  readonly number: number;
  readonly timeUs: number;
  readonly isSeen: boolean;
}

type Times = { readonly fromUs: number; readonly toUs: number };

function sentTicks(days: readonly (readonly { readonly afterUs: number; readonly isSeen: boolean }[])[]): SentTick[] {
  let timeUs = 0;
  return days.flatMap((day, session) =>
    day.map(({ afterUs, isSeen }, at) => ({ session, number: at + 1, timeUs: (timeUs += afterUs), isSeen })),
  );
}

const nameOf = ({ session, number }: SentTick) => `${session} ${number}`;
const isWithin = ({ timeUs }: SentTick, { fromUs, toUs }: Times) => timeUs >= fromUs && timeUs < toUs;

/** Whether a later tick of the session came: what ends a session can't be missed. */
function isKnownOf(sent: readonly SentTick[], { session, number }: SentTick): boolean {
  return sent.some((tick) => tick.isSeen && tick.session === session && tick.number > number);
}

/**
 * By the definition: the time between its neighbours meets the times. The one before a session's first tick seen is the
 * first seen of the last session that began earlier; there may be none.
 */
function missingByDefinition(sent: readonly SentTick[], { fromUs, toUs }: Times): string[] {
  const seen = sent.filter((tick) => tick.isSeen);
  const firstOf = (session: number) => seen.find((tick) => tick.session === session);
  return sent
    .filter((tick) => !tick.isSeen && isKnownOf(sent, tick))
    .flatMap((tick) => {
      const own = seen.filter((other) => other.session === tick.session);
      const before = own.findLast(({ number }) => number < tick.number);
      const after = own.find(({ number }) => number > tick.number)!;
      const openings = seen.filter((other) => other === firstOf(other.session) && other.timeUs < after.timeUs);
      const sinceUs = before?.timeUs ?? openings.at(-1)?.timeUs ?? -Infinity;
      return after.timeUs >= fromUs && sinceUs < toUs ? [nameOf(tick)] : [];
    });
}

/** The ledger of what came of them, in the order sent. */
function received(sent: readonly SentTick[]) {
  const gaps: SequenceGapRecord[] = [];
  const sessions: SessionRecord[] = [];
  for (const [session, ticks] of Map.groupBy(sent, (tick) => tick.session)) {
    const rows = ticks
      .filter((tick) => tick.isSeen)
      .map(({ number, timeUs }) => ({ venueSequence: number, eventTimeUs: timeUs, receiveTimeUs: timeUs }));
    if (rows.length === 0) continue;
    const of = series({ session: String(session), firstSequence: 1 });
    const result = sequenceBatch(placed(tradeBatch({ rows: rows.map((row) => ({ ...row, series: of })) })), new Map());
    const settled = settleGaps(result.states, () => ({ recordType: 'trades', series: of }));
    gaps.push(...result.gaps, ...settled.gaps);
    sessions.push(...result.sessions);
  }
  return { gaps, sessions };
}

/** The ledger as the sink writes it of such a tape: some batches are settled and some are not. */
function sequenced(batches: Tape) {
  const gaps: SequenceGapRecord[] = [];
  const sessions: SessionRecord[] = [];
  let states: ReadonlyMap<string, SeriesState> = new Map();
  const of = series({ session: '2014-03-10' });
  const limits = { resetQuietUs: 1_000_000, resetSequenceMax: 10, reorderTicksMax: 3, missingRangesMax: 4 };
  batches.forEach((rows, at) => {
    const batch = placed(tradeBatch({ rows: rows.map((row) => ({ ...row, receiveTimeUs: 200, series: of })) }), at);
    const result = sequenceBatch(batch, states, limits);
    const notes = new GapNotes(result.gaps);
    rows.forEach(({ isRefused }, row) => {
      if (isRefused && result.verdicts[row]! < 2) notes.refused(result.batch, row, BigInt(row));
    });
    gaps.push(...notes.records);
    sessions.push(...result.sessions);
    states = new Map([...states, ...result.states]);
    const settled = settleGaps(states, () => ({ recordType: 'trades', series: of }));
    gaps.push(...settled.gaps);
    states = new Map([...states, ...settled.states]);
  });
  return { gaps, sessions };
}

/**
 * By the definition: in an open entry, in no filled one of whatever times, and the open one meets the times. What is
 * missing before the first tick of this only session may be of any time before it.
 */
function missingNumbers(
  gaps: readonly SequenceGapRecord[],
  first: SessionRecord,
  { fromUs = 0, toUs = Infinity }: CoverageScope,
): number[] {
  const missing = new Set<number>();
  for (const open of gaps) {
    const isAtStart =
      open.sequenceTo < first.firstSequence &&
      open.fromTimeUs === first.eventTimeUs &&
      open.toTimeUs === first.eventTimeUs;
    const sinceUs = isAtStart ? -Infinity : open.fromTimeUs;
    if (open.status !== 'open' || open.toTimeUs < fromUs || sinceUs >= toUs) continue;
    for (let number = open.sequenceFrom; number <= open.sequenceTo; number++) {
      const isFilled = gaps.some(
        (of) => of.status === 'filled' && of.sequenceFrom <= number && number <= of.sequenceTo,
      );
      if (!isFilled) missing.add(number);
    }
  }
  return [...missing].sort((a, b) => a - b);
}

function numbersOf(gaps: readonly { readonly sequenceFrom: number; readonly sequenceTo: number }[]): number[] {
  return gaps.flatMap(({ sequenceFrom, sequenceTo }) =>
    Array.from({ length: sequenceTo - sequenceFrom + 1 }, (_, at) => sequenceFrom + at),
  );
}

type AuditQuestion = Extract<Question, { kind: 'audit' }>;

/** A lake with this ledger, and an engine that says what it was asked. */
async function lakeOf(gaps: readonly SequenceGapRecord[], sessions: readonly SessionRecord[]) {
  const clock = new ManualClock(1_767_225_600_000_000);
  const store = new MemoryTickStore({ clock, random: new SeededRandom(1, clock) });
  await store.ensureTables(RECORD_SCHEMAS);
  const [claim] = await store.claim('test', [{ topic: 't', partition: 0, topicId: 'id' }]);
  const staged = await store.stage(plannedRows({ gaps, sessions }));
  await store.commit(staged, { partitions: [{ claim: claim!, nextOffset: 1 }], state: new Map() });
  const plan = (table: ScanPlan['table']) => store.plan({ table, asOf: { kind: 'latest' } });
  const plans = { gaps: await plan('audit.sequence_gaps'), sessions: await plan('audit.sessions') };
  const memory = new MemoryQueryEngine({ store, clock });
  const asked: AuditQuestion[] = [];
  const ask: QueryEngine['ask'] = (question, ...rest) => {
    asked.push(question as AuditQuestion);
    return memory.ask(question, ...rest);
  };
  return { engine: engineOf(ask), asked, plans };
}

function engineOf(ask: QueryEngine['ask']): QueryEngine {
  const unsupported = () => Promise.reject(new PortError('unsupported', 'none here'));
  return { ask, sqlReads: unsupported, exportParquet: unsupported, close: () => Promise.resolve() };
}

function planOf(table: ScanPlan['table'], rowCount: number): ScanPlan {
  const files = [{ key: 'one', rowCount, sizeBytes: 1, timeSpan: null }];
  return { table, snapshotId: 1n, committedUs: 1, fields: [], files, filesTotal: 1, alterations: [] };
}

/**
 * Answers with a ledger of so many entries, each of another number and time and each fourth a fill of the one before;
 * ends with `timeout` after `failAfter` entries.
 */
function columnsEngine(entries: number, failAfter = Infinity) {
  const asked: AuditQuestion[] = [];
  const columns = (schema: typeof SEQUENCE_GAPS_SCHEMA) =>
    schema.fields.map(({ name, type }) => ({
      name,
      type: type === 'string' ? ('string' as const) : ('integer' as const),
    }));
  const ask: QueryEngine['ask'] = async (question, plans): Promise<Answer> => {
    asked.push(question as AuditQuestion);
    const schema = plans[0]!.table === 'audit.sessions' ? SESSIONS_SCHEMA : SEQUENCE_GAPS_SCHEMA;
    async function* batches(): AsyncGenerator<AnswerBatch> {
      if (schema === SESSIONS_SCHEMA) return yield batchOf(schema, 1, 0);
      for (let from = 0; from < entries; from += 50_000) {
        if (from >= failAfter) throw new PortError('timeout', 'too slow');
        yield batchOf(schema, Math.min(50_000, entries - from), from);
      }
    }
    return { columns: columns(schema), batches: batches(), [Symbol.asyncDispose]: () => Promise.resolve() };
  };
  return { engine: engineOf(ask), asked };
}

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  record_type: ['trades'],
  exchange: ['ASX'],
  symbol: ['BHP'],
  session: ['2014-03-10'],
  status: ['open', 'filled'],
  sequence_origin: ['venue'],
  opened_by: ['first-tick'],
};

function batchOf(schema: typeof SEQUENCE_GAPS_SCHEMA, rowCount: number, from: number): AnswerBatch {
  const numbers = (of: (at: number) => number) => Float64Array.from({ length: rowCount }, (_, row) => of(from + row));
  return {
    rowCount,
    nulls: schema.fields.map(() => null),
    columns: schema.fields.map(({ name }) => {
      const dictionary = TEXTS[name];
      if (dictionary !== undefined) {
        const codes = Uint16Array.from({ length: rowCount }, (_, row) =>
          name === 'status' && (from + row) % 4 === 3 ? 1 : 0,
        );
        return { kind: 'dictionary', codes, dictionary };
      }
      const isNumber = name.startsWith('sequence');
      return {
        kind: 'integer',
        values: numbers((at) => (isNumber && at % 4 === 3 ? 2 * (at - 1) : isNumber ? 2 * at : at)),
      };
    }),
  };
}
