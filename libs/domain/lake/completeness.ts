import type { RecordType } from '../market/tick-batch.ts';
import { concerns, describeAlteration, type Alteration } from './alterations.ts';
import type { SequenceGapRecord, SessionRecord } from './audit-records.ts';

/** A range of numbers that are in no table: their ticks never came, or were refused and are in the quarantine. */
export interface MissingTicks {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly sequenceFrom: number;
  /** Inclusive. */
  readonly sequenceTo: number;
  /** Venue's times of the ticks on either side. */
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
}

/** Gaps that an answer is told of; the first are listed, all are counted. */
export interface KnownGaps {
  readonly gaps: readonly MissingTicks[];
  readonly gapCount: number;
  readonly missingTicks: number;
}

/**
 * How complete an answer is. `complete`: every tick that the venue numbered up to the last one recorded is there.
 * `gaps`: these are missing. `removed`: retention has dropped rows of these exchanges and days, and `gaps` are missing
 * besides. `unverifiable`: nothing could have shown a gap, or another engine has changed the tables.
 */
export type Completeness =
  | { readonly status: 'complete' }
  | ({ readonly status: 'gaps' } & KnownGaps)
  | ({ readonly status: 'removed'; readonly removals: readonly Alteration[]; readonly removedRows: number } & KnownGaps)
  | { readonly status: 'unverifiable'; readonly reason: string };

/** What is known of the tables that an answer and its judgement are made of. */
export interface TableAlterations {
  /** Of the ticks' table. */
  readonly ticks: readonly Alteration[];
  /** Of the ledger's tables. */
  readonly ledger: readonly Alteration[];
}

export const NO_ALTERATIONS: TableAlterations = { ticks: [], ledger: [] };

/** What was asked for, in the terms of the ledger. */
export interface CoverageScope {
  readonly recordType: RecordType;
  readonly exchange?: string;
  /** All of the exchange's where absent. */
  readonly symbols?: readonly string[];
  /** Half-open `[fromUs, toUs)`. */
  readonly fromUs?: number;
  readonly toUs?: number;
}

/** Gaps listed in one answer; `gapCount` and `missingTicks` count all of them. */
export const GAPS_LISTED_MAX = 1_000;

/**
 * Judges a scope by the gap ledger: exactly its instruments, the sessions within its times, and nothing else. The ledger
 * tells of what never came; that what came is still in the tables is told by their alterations.
 */
export function completeness(
  scope: CoverageScope,
  gaps: readonly SequenceGapRecord[],
  sessions: readonly SessionRecord[],
  alterations: TableAlterations = NO_ALTERATIONS,
): Completeness {
  const changed = changedByOthers(scope, sessions, alterations);
  if (changed !== null) return { status: 'unverifiable', reason: changed };
  const missing = openGaps(gaps.filter((gap) => isInScope(gap, scope))).filter((gap) => overlapsTimes(gap, scope));
  const removals = alterations.ticks.filter((one) => one.cause === 'retention' && touches(one, scope, sessions));
  if (removals.length > 0) {
    const removedRows = removals.reduce((sum, one) => sum + one.removedRows, 0);
    return { status: 'removed', removals, removedRows, ...knownGaps(missing) };
  }
  if (missing.length > 0) return { status: 'gaps', ...knownGaps(missing) };
  const reason = unverifiableReason(scope, sessionsWithin(scope, sessions));
  return reason === null ? { status: 'complete' } : { status: 'unverifiable', reason };
}

function knownGaps(missing: readonly MissingTicks[]): KnownGaps {
  const missingTicks = missing.reduce((sum, gap) => sum + gap.sequenceTo - gap.sequenceFrom + 1, 0);
  return { gaps: missing.slice(0, GAPS_LISTED_MAX), gapCount: missing.length, missingTicks };
}

/** Null: nothing of the scope, and nothing that it is judged by, was changed by another engine. */
function changedByOthers(
  scope: CoverageScope,
  sessions: readonly SessionRecord[],
  { ticks, ledger }: TableAlterations,
): string | null {
  const ofTicks = ticks.filter((one) => one.cause === 'other-engine' && touches(one, scope, sessions));
  if (ofTicks.length > 0) return listedAlterations('its table', ofTicks);
  // A row that the ledger has lost makes `complete` of what was not, whatever the times.
  const { exchange } = scope;
  const ofLedger = ledger.filter((one) => concerns(one, exchange === undefined ? {} : { exchange }));
  return ofLedger.length > 0 ? listedAlterations('the gap ledger', ofLedger) : null;
}

function listedAlterations(what: string, alterations: readonly Alteration[]): string {
  const more = alterations.length > 1 ? `, and ${alterations.length - 1} other changes` : '';
  return `${what} was changed otherwise than by K2: ${describeAlteration(alterations.at(-1)!)}${more}`;
}

/**
 * Whether ticks of the scope can be among the rows that were changed: an instrument first seen later lost none to
 * retention. What another engine put in need not be of any session.
 */
function touches(alteration: Alteration, scope: CoverageScope, sessions: readonly SessionRecord[]): boolean {
  if (!concerns(alteration, scope)) return false;
  if (alteration.addedRows > 0) return true;
  const { exchange, fromUs, toUs } = alteration;
  const within = {
    ...scope,
    ...(exchange !== null && { exchange }),
    fromUs: Math.max(fromUs ?? -Infinity, scope.fromUs ?? -Infinity),
    toUs: Math.min(toUs ?? Infinity, scope.toUs ?? Infinity),
  };
  return sessionsWithin(within, sessions).length > 0;
}

/** Open ranges less what was filled, by exchange, symbol, session and sequence. */
export function openGaps(gaps: readonly SequenceGapRecord[]): readonly MissingTicks[] {
  const bySeries = new Map<string, { open: SequenceGapRecord[]; filled: SequenceGapRecord[] }>();
  for (const gap of gaps) {
    const key = JSON.stringify([gap.recordType, gap.exchange, gap.symbol, gap.session]);
    let series = bySeries.get(key);
    if (series === undefined) bySeries.set(key, (series = { open: [], filled: [] }));
    series[gap.status].push(gap);
  }
  const keys = [...bySeries.keys()].sort();
  return keys.flatMap((key) => {
    const { open, filled } = bySeries.get(key)!;
    const bySequence = (a: SequenceGapRecord, b: SequenceGapRecord) => a.sequenceFrom - b.sequenceFrom;
    filled.sort(bySequence);
    return open.sort(bySequence).flatMap((gap) => subtract(gap, filled));
  });
}

/** Whether a tick of the range could be of the half-open `[fromUs, toUs)`. */
export function overlapsTimes(
  gap: Pick<MissingTicks, 'fromTimeUs' | 'toTimeUs'>,
  { fromUs, toUs }: Pick<CoverageScope, 'fromUs' | 'toUs'>,
): boolean {
  return (fromUs === undefined || gap.toTimeUs >= fromUs) && (toUs === undefined || gap.fromTimeUs < toUs);
}

function subtract(gap: SequenceGapRecord, filled: readonly SequenceGapRecord[]): MissingTicks[] {
  const { recordType, exchange, symbol, session, fromTimeUs, toTimeUs } = gap;
  const left: MissingTicks[] = [];
  let from = gap.sequenceFrom;
  const keep = (to: number) => {
    if (from <= to)
      left.push({ recordType, exchange, symbol, session, sequenceFrom: from, sequenceTo: to, fromTimeUs, toTimeUs });
  };
  for (const fill of filled) {
    if (fill.sequenceTo < from) continue;
    if (fill.sequenceFrom > gap.sequenceTo) break;
    keep(fill.sequenceFrom - 1);
    from = fill.sequenceTo + 1;
  }
  keep(gap.sequenceTo);
  return left;
}

/** A session lasts until the instrument's next one opens. */
function sessionsWithin(scope: CoverageScope, sessions: readonly SessionRecord[]): readonly SessionRecord[] {
  const latestFirst = sessions
    .filter((session) => isInScope(session, scope))
    .sort((a, b) => b.eventTimeUs - a.eventTimeUs);
  const closedUs = new Map<string, number>();
  return latestFirst.filter((session) => {
    const instrument = JSON.stringify([session.exchange, session.symbol]);
    const endUs = closedUs.get(instrument) ?? Infinity;
    closedUs.set(instrument, session.eventTimeUs);
    return endUs > (scope.fromUs ?? -Infinity) && session.eventTimeUs < (scope.toUs ?? Infinity);
  });
}

function unverifiableReason({ symbols, exchange }: CoverageScope, sessions: readonly SessionRecord[]): string | null {
  if (sessions.length === 0) return 'nothing was recorded for these instruments and times';
  const seen = new Set(sessions.map((session) => session.symbol));
  const unseen = symbols?.filter((symbol) => !seen.has(symbol)) ?? [];
  if (unseen.length > 0) return `nothing was recorded at these times for ${listed(unseen)}`;
  const unnumbered = sessions.filter((session) => session.sequenceOrigin === 'arrival');
  if (unnumbered.length === 0) return null;
  const venues = [...new Set(unnumbered.map((session) => session.exchange))].sort();
  return `${exchange ?? listed(venues)} does not number its ticks, so that a lost one leaves no trace`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function isInScope(
  record: Pick<SequenceGapRecord, 'recordType' | 'exchange' | 'symbol'>,
  scope: CoverageScope,
): boolean {
  return (
    record.recordType === scope.recordType &&
    (scope.exchange === undefined || record.exchange === scope.exchange) &&
    (scope.symbols === undefined || scope.symbols.includes(record.symbol))
  );
}
