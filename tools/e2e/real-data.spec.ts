import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './built-process.ts';
import { k2, k2Json, type LoadSummary } from './cli-under-test.ts';
import { scenario, scratchDirectory } from './scenario.ts';
import { ServerUnderTest, type TickPage } from './server-under-test.ts';

/** A week of real ASX files, beside the checkout on machines that have them. */
const FILES = process.env['K2_ASX_DIR'] ?? join(REPOSITORY, '../shared/data/asx-2014-03');
const LOADED = { rows: 170_332, committed: true, kept: { trades: 91_874, quotes: 78_458 }, quarantined: 0 };
const FIRST_OF_BHP = { timestamp: '2014-03-09T20:57:14.754Z', price: '36.667', quantity: '20000' };

if (existsSync(FILES)) {
  describe('the real week of March 2014', () => {
    scenario('is kept whole by k2 load, and reads back as it was written', async () => {
      const data = scratchDirectory();
      expect(await k2Json<LoadSummary>(data, 'load', 'asx', FILES)).toEqual([expect.objectContaining(LOADED)]);
      const counted = await k2(data, 'query', 'select count(*) n from trades', '--json');
      expect(counted).toEqual({ code: 0, stdout: '{"n":91874}\n', stderr: '' });
      const [first] = await k2Json(data, 'trades', '--exchange', 'ASX', '--symbol', 'BHP', '--limit', '1');
      expect(first).toMatchObject(FIRST_OF_BHP);
      expect((await k2(data, 'verify', 'asx', FILES)).code).toBe(0);
    });

    scenario('is kept whole through a running server', async () => {
      const server = await ServerUnderTest.start();
      expect(await k2Json<LoadSummary>(server.data, 'load', 'asx', FILES)).toEqual([expect.objectContaining(LOADED)]);
      const counts = 'select (select count(*) from trades) trades, (select count(*) from quotes) quotes';
      expect(await server.sql(counts)).toEqual([LOADED.kept]);
      const page = await server.json<TickPage>('/v1/trades?exchange=ASX&symbol=BHP&limit=1');
      expect(page.data).toMatchObject([FIRST_OF_BHP]);
      expect(page.completeness.status).toBe('unverifiable');
      expect((await k2(server.data, 'verify', 'asx', FILES)).code).toBe(0);
      expect((await server.stop()).code).toBe(0);
    });
  });
} else {
  it('DID NOT RUN the real week of March 2014: its files are not there', () => {
    process.stderr.write(`e2e: real-data.spec.ts DID NOT RUN: no directory ${FILES} (K2_ASX_DIR names another)\n`);
    expect(existsSync(FILES)).toBe(false);
  });
}
