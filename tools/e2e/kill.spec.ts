import { describe, expect } from '@jest/globals';
import { k2 } from './cli-under-test.ts';
import { scenario, scratchDirectory, until } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

describe('kill -9', () => {
  scenario('twice in a row loses nothing that was acknowledged: the next start drains the log', async () => {
    const data = scratchDirectory();
    let acknowledged = 0;
    for (const session of ['first', 'second']) {
      // Commits are so far apart that what is acknowledged lies in the log alone.
      const server = await ServerUnderTest.start({
        data,
        feed: `simulator:rate=20000,session=${session}`,
        env: { K2_FLUSH_INTERVAL_MS: '60000' },
      });
      const ask = async () => (await server.stats()).feeds[0].acknowledgedTicks;
      acknowledged += await until('acknowledged ticks', ask, (ticks) => ticks > 1_000);
      await server.kill();
    }
    const last = await ServerUnderTest.start({ data, env: { K2_FLUSH_INTERVAL_MS: '50' } });
    const { tables } = await last.drained();
    const ticks = tables.filter(({ table }) => table.startsWith('market_data.'));
    expect(ticks.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBeGreaterThanOrEqual(acknowledged);
    const sessions = await last.sql('SELECT DISTINCT session FROM quotes ORDER BY session');
    expect(sessions).toEqual([{ session: 'first' }, { session: 'second' }]);
    expect(await k2(data, 'verify')).toMatchObject({ code: 0, stderr: expect.stringContaining('all match') });
    expect((await last.stop()).code).toBe(0);
  });
});
