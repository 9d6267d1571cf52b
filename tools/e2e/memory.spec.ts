import { describe, expect } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scenario, scratchDirectory, until } from './scenario.ts';
import { ServerUnderTest, type Problem, type TickPage } from './server-under-test.ts';

describe('--storage memory', () => {
  scenario('answers typed questions, refuses SQL clearly, and writes nothing to disk', async () => {
    const parent = scratchDirectory();
    const server = await ServerUnderTest.start({
      data: join(parent, 'lake'),
      feed: 'simulator:ticks=2000,rate=max,start=2026-01-05T14:30:00Z,session=memory',
      flags: ['--storage', 'memory'],
    });
    await server.drained();
    const page = await until(
      'trades',
      () => server.json<TickPage>('/v1/trades?limit=5'),
      ({ data }) => data.length > 0,
    );
    expect(page.completeness).toEqual({ status: 'complete' });
    expect((await server.json<{ data: readonly object[] }>('/v1/symbols')).data.length).toBeGreaterThan(0);
    expect((await server.json<{ data: readonly object[] }>('/v1/bars?interval=1m')).data.length).toBeGreaterThan(0);
    const refused = await server.post('/v1/query', { sql: 'SELECT count(*) FROM trades' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(((await refused.json()) as Problem).detail).toMatch(/memory/);
    expect((await server.stop()).code).toBe(0);
    expect(readdirSync(parent)).toEqual([]);
  });
});
