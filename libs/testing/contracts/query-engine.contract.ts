import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlannedRows, QueryEngine, ScanPlan } from '@k2/ports';

export interface QueryEngineFixture {
  readonly engine: QueryEngine;
  /** Loads the rows and plans a full scan of each of the five tables; loads do not see each other. */
  plansFor(rows: PlannedRows): Promise<readonly ScanPlan[]>;
  close(): Promise<void>;
}

export interface QueryEngineContractOptions {
  create(): Promise<QueryEngineFixture>;
  readonly capabilities: {
    /** Answers questions of kind `sql`; one that does not rejects them as `invalid-query`. */
    readonly sql: boolean;
  };
}

/**
 * What every QueryEngine does. Shapes that the port leaves to it, and that all engines share:
 * - ticks: `fields` in the order asked; where absent, the plan's fields in their order, then `message_id`.
 * - bars: exchange, symbol, bar_start, open, high, low, close, volume, trade_count, vwap (volume-weighted mean, half to
 *   even at the eighth digit, null where the volume is 0); by bar_start, exchange, symbol. Open and close are the first and
 *   last trade in the order of ticks.
 * - symbols: exchange, symbol, asset_class, currency, record_type, tick_count, first_timestamp, last_timestamp; one row per
 *   distinct first five, in the order of these.
 * - audit: the plan's fields. Gaps by timestamp_from, exchange, symbol, session, record_type, sequence_from, sequence_to,
 *   platform_sequence; sessions by timestamp, exchange, symbol, session, record_type, platform_sequence; quarantine by
 *   ingestion_timestamp, exchange, source, position, quarantine_id, platform_sequence. The filter's time is a gap's
 *   closed span [timestamp_from, timestamp_to] (any overlap), a session's `timestamp`, a refusal's `ingestion_timestamp`.
 *   `symbols` over quarantine, which has none, is `invalid-query`.
 * - Strings are ordered by their UTF-8 bytes. A question whose table is not among the plans is `invalid-query`.
 * - A decimal or integer column whose batch holds values beyond int64 carries plain decimal text (`utf8`) instead.
 */
export function queryEngineContract(name: string, { create, capabilities }: QueryEngineContractOptions): void {
  describe(`QueryEngine: ${name}`, () => {
    let fixture: QueryEngineFixture;
    beforeAll(async () => {
      fixture = await create();
    });
    afterAll(() => fixture.close());

    it('is created', () => {
      expect(fixture.engine).toBeDefined();
      expect(capabilities).toBeDefined();
    });
  });
}
