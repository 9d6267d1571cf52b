import { completeness, type Completeness, type CoverageScope } from '@k2/domain/lake';
import type { AskOptions, QueryEngine, ScanPlan } from '@k2/ports';
import { Ledger } from './ledger.ts';
import type { TableRequest } from './plans-as-of.ts';

/** What an answer is made of and judged by, all as of one instant. */
export interface CoveragePlans {
  readonly ticks: ScanPlan;
  readonly gaps: ScanPlan;
  readonly sessions: ScanPlan;
}

/** Judges answers by the gap ledger. */
export class Coverage {
  private readonly ledger: Ledger;

  constructor(engine: QueryEngine) {
    this.ledger = new Ledger(engine);
  }

  /** What to plan for `judge`, as of the same instant as the rows that are judged. */
  requests({ exchange, symbols }: Omit<CoverageScope, 'recordType'>): readonly [TableRequest, TableRequest] {
    const instruments = { ...(exchange !== undefined && { exchange }), ...(symbols !== undefined && { symbols }) };
    return [
      { table: 'audit.sequence_gaps', ...instruments },
      { table: 'audit.sessions', ...instruments },
    ];
  }

  async judge(
    scope: CoverageScope,
    { ticks, gaps, sessions }: CoveragePlans,
    options: AskOptions,
  ): Promise<Completeness> {
    const recorded = await this.ledger.sessions(scope, sessions, options);
    const missing = await this.ledger.missing(scope, gaps, recorded, options);
    const ledger = [...gaps.alterations, ...sessions.alterations];
    return completeness(scope, missing, recorded.spans, { ticks: ticks.alterations, ledger });
  }
}
