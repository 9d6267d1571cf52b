import type { RecordType } from '../market/tick-batch.ts';
import { concerns, describeAlteration, type Alteration } from './alterations.ts';
import type { KnownGaps, TimeRange } from './missing-ticks.ts';
import type { SessionSpans } from './session-spans.ts';

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
export interface CoverageScope extends TimeRange {
  readonly recordType: RecordType;
  readonly exchange?: string;
  /** All of the exchange's where absent. */
  readonly symbols?: readonly string[];
}

/** Gaps listed in one answer; `gapCount` and `missingTicks` count all of them. */
export const GAPS_LISTED_MAX = 1_000;

/**
 * Judges a scope by the gap ledger: the gaps of exactly its record type, instruments and times, and all sessions of its
 * record type and instruments. The ledger tells of what never came; that what came is still in the tables is told by
 * their alterations.
 */
export function completeness(
  scope: CoverageScope,
  missing: KnownGaps,
  sessions: SessionSpans,
  alterations: TableAlterations = NO_ALTERATIONS,
): Completeness {
  const changed = changedByOthers(scope, sessions, alterations);
  if (changed !== null) return { status: 'unverifiable', reason: changed };
  const removals = alterations.ticks.filter((one) => one.cause === 'retention' && touches(one, scope, sessions));
  if (removals.length > 0) {
    const removedRows = removals.reduce((sum, one) => sum + one.removedRows, 0);
    return { status: 'removed', removals, removedRows, ...missing };
  }
  if (missing.gapCount > 0) return { status: 'gaps', ...missing };
  const reason = unverifiableReason(scope, sessions);
  return reason === null ? { status: 'complete' } : { status: 'unverifiable', reason };
}

/** Null: nothing of the scope, and nothing that it is judged by, was changed by another engine. */
function changedByOthers(
  scope: CoverageScope,
  sessions: SessionSpans,
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
 * Whether ticks of the scope can be among the rows that were changed: an instrument that began later lost none to
 * retention. What another engine put in need not be of any session.
 */
function touches(alteration: Alteration, scope: CoverageScope, sessions: SessionSpans): boolean {
  if (!concerns(alteration, scope)) return false;
  if (alteration.addedRows > 0) return true;
  const { exchange, fromUs, toUs } = alteration;
  const within = {
    ...scope,
    ...(exchange !== null && { exchange }),
    fromUs: Math.max(fromUs ?? -Infinity, scope.fromUs ?? -Infinity),
    toUs: Math.min(toUs ?? Infinity, scope.toUs ?? Infinity),
  };
  return sessions.mayHaveTicks(within);
}

function unverifiableReason(scope: CoverageScope, spans: SessionSpans): string | null {
  const { fromUs: _from, toUs: _to, ...instruments } = scope;
  const ever = spans.within(instruments);
  if (ever.length === 0) return 'nothing was recorded for these instruments and times';
  const sessions = spans.within(scope);
  const { symbols, exchange } = scope;
  const unseen = symbols?.filter((symbol) => sessions.every((session) => session.symbol !== symbol)) ?? [];
  const never = unseen.filter((symbol) => ever.every((session) => session.symbol !== symbol));
  if (never.length > 0) return `nothing was recorded for ${listed(never)}`;
  if (sessions.length === 0 || unseen.length > 0) {
    const whose = unseen.length > 0 ? listed(unseen) : 'these instruments';
    return `these times are before the first tick seen of ${whose}: earlier ticks are known only if they arrived after it`;
  }
  const unnumbered = sessions.filter((session) => !session.isNumbered);
  if (unnumbered.length === 0) return null;
  const venues = [...new Set(unnumbered.map((session) => session.exchange))].sort();
  return `${exchange ?? listed(venues)} does not number its ticks, so that a lost one leaves no trace`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
