import { completeness, describeAlteration, type Completeness, type CoverageScope } from '@k2/domain/lake';
import type { AskOptions, QueryEngine, ScanPlan } from '@k2/ports';
import { gapRecords, sessionRecords } from './ledger-records.ts';
import type { TableRequest } from './plans-as-of.ts';

/** Judgements kept; the least recently asked goes first. A new gap or session makes the old ones unreachable. */
const JUDGEMENTS_MAX = 1_000;

/** What an answer is made of and judged by, all as of one instant. */
export interface CoveragePlans {
  readonly ticks: ScanPlan;
  readonly gaps: ScanPlan;
  readonly sessions: ScanPlan;
}

/** Judges answers by the gap ledger. */
export class Coverage {
  private readonly engine: QueryEngine;
  private readonly judgements = new Map<string, Completeness>();

  constructor(engine: QueryEngine) {
    this.engine = engine;
  }

  /** What to plan for `judge`, as of the same instant as the rows that are judged. */
  requests({ exchange, symbols }: Omit<CoverageScope, 'recordType'>): readonly [TableRequest, TableRequest] {
    const instruments = { ...(exchange !== undefined && { exchange }), ...(symbols !== undefined && { symbols }) };
    return [
      { table: 'audit.sequence_gaps', ...instruments },
      { table: 'audit.sessions', ...instruments },
    ];
  }

  async judge(scope: CoverageScope, plans: CoveragePlans, options: AskOptions): Promise<Completeness> {
    const { ticks, gaps, sessions } = plans;
    const key = JSON.stringify([...[ticks, gaps, sessions].map(stateOf), scope]);
    const judged = this.judgements.get(key) ?? (await this.judgeAnew(scope, plans, options));
    this.judgements.delete(key);
    this.judgements.set(key, judged);
    if (this.judgements.size > JUDGEMENTS_MAX) this.judgements.delete(this.judgements.keys().next().value!);
    return judged;
  }

  private async judgeAnew(scope: CoverageScope, { ticks, gaps, sessions }: CoveragePlans, options: AskOptions) {
    const { fromUs: _from, toUs: _to, ...filter } = scope;
    const [gapsOf, sessionsOf] = await Promise.all([
      gapRecords(this.engine, gaps, filter, options),
      sessionRecords(this.engine, sessions, filter, options),
    ]);
    const ledger = [...gaps.alterations, ...sessions.alterations];
    return completeness(scope, gapsOf, sessionsOf, { ticks: ticks.alterations, ledger });
  }
}

/** A table that was returned to an earlier snapshot is that snapshot again, with another history. */
function stateOf({ snapshotId, alterations }: ScanPlan): readonly string[] {
  return [String(snapshotId), ...alterations.map(describeAlteration)];
}
