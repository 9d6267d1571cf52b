import { beforeAll, describe, expect } from '@jest/globals';
import { k2 } from './cli-under-test.ts';
import { scenario, withLogs } from './scenario.ts';
import { ServerUnderTest, type TickPage } from './server-under-test.ts';

const TICKS = 20_000;
const FAULTY = `simulator:gaps=0.01,duplicates=0.01,late=0.01,badPrices=0.01,ticks=${TICKS},rate=max,step=1000,start=2026-01-05T14:30:00Z,session=faulty`;

interface Gap {
  readonly record_type: string;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly sequence_from: number;
  readonly sequence_to: number;
  readonly missing_ticks: number;
}
interface Gaps {
  readonly data: readonly Gap[];
  readonly gapCount: number;
  readonly missingTicks: number;
}

describe('a feed with gaps, duplicates, late and impossible ticks', () => {
  let server: ServerUnderTest;
  let gaps: Gaps;
  beforeAll(
    withLogs(async () => {
      server = await ServerUnderTest.start({ feed: FAULTY });
      await server.drained();
      gaps = await server.json<Gaps>('/v1/gaps?limit=10000');
    }),
    60_000,
  );

  scenario('leaves each tick in one place, once', async () => {
    const [counts] = await server.sql(`SELECT
      (SELECT count(*) FROM trades) + (SELECT count(*) FROM quotes) + (SELECT count(*) FROM quarantine) AS everywhere,
      (SELECT count(DISTINCT (exchange, symbol, session, source_sequence)) FROM trades) +
      (SELECT count(DISTINCT (exchange, symbol, session, source_sequence)) FROM quotes) AS identities,
      (SELECT count(*) FROM trades) + (SELECT count(*) FROM quotes) AS ticks`);
    expect(counts!['everywhere']).toBe(TICKS);
    expect(counts!['identities']).toBe(counts!['ticks']);
  });

  scenario('shows every gap in /v1/gaps, and none that the rows do not have', async () => {
    expect(gaps.gapCount).toBeGreaterThan(0);
    expect(gaps.data).toHaveLength(gaps.gapCount);
    expect(gaps.data.reduce((sum, { missing_ticks }) => sum + missing_ticks, 0)).toBe(gaps.missingTicks);
    for (const recordType of ['trades', 'quotes']) {
      const ofType = gaps.data.filter(({ record_type }) => record_type === recordType);
      // A number that was refused is missing from its table as one that never came is.
      const [missing] = await server.sql<{ n: number }>(`SELECT sum(last - kept)::BIGINT AS n FROM (
        SELECT series, max(number) AS last, sum(is_kept)::BIGINT AS kept FROM (
          SELECT concat_ws('/', exchange, symbol, session) AS series, source_sequence AS number, 1 AS is_kept FROM ${recordType}
          UNION ALL
          SELECT concat_ws('/', split_part(quarantine_id, '/', 2), split_part(quarantine_id, '/', 3), split_part(quarantine_id, '/', 4)),
            split_part(quarantine_id, '/', 5)::BIGINT, 0 FROM quarantine WHERE record_type = '${recordType}')
        GROUP BY series)`);
      expect(ofType.reduce((sum, { missing_ticks }) => sum + missing_ticks, 0)).toBe(missing!.n);
    }
  });

  scenario('makes an answer about an instrument with a gap name it', async () => {
    const { exchange, symbol, session, sequence_from, sequence_to } = gaps.data.find(
      ({ record_type }) => record_type === 'trades',
    )!;
    const query = new URLSearchParams({ exchange, symbol });
    const { completeness } = await server.json<TickPage>(`/v1/trades?${query}`);
    expect(completeness.status).toBe('gaps');
    const gap = { exchange, symbol, session, sequenceFrom: sequence_from, sequenceTo: sequence_to };
    expect(completeness.gaps).toContainEqual(expect.objectContaining(gap));
  });

  scenario('leaves an answer about an instrument of which nothing is missing complete', async () => {
    const [whole] = await server.sql<{ exchange: string; symbol: string }>(`SELECT exchange, symbol FROM trades
      GROUP BY exchange, symbol, session HAVING count(*) = max(source_sequence) ORDER BY ALL LIMIT 1`);
    const query = new URLSearchParams({ exchange: whole!.exchange, symbol: whole!.symbol });
    const { completeness } = await server.json<TickPage>(`/v1/trades?${query}`);
    expect(completeness).toEqual({ status: 'complete' });
  });

  scenario('fills the quarantine with reasons', async () => {
    const reasons = await server.sql(
      'SELECT reason, count(*) AS n, min(detail) AS detail FROM quarantine GROUP BY reason',
    );
    expect(reasons).toEqual([
      { reason: 'price-not-positive', n: expect.any(Number), detail: expect.stringMatching(/price/i) },
    ]);
  });

  scenario('passes k2 verify, beside the running server and after it', async () => {
    expect(await k2(server.data, 'verify')).toMatchObject({ code: 0, stderr: expect.stringContaining('all match') });
    expect((await server.stop()).code).toBe(0);
    expect((await k2(server.data, 'verify')).code).toBe(0);
  });
});
