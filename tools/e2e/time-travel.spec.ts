import { describe, expect } from '@jest/globals';
import { INVENTED, inventedAsxFiles } from './asx-files.ts';
import { k2, k2Json } from './cli-under-test.ts';
import { scenario } from './scenario.ts';
import { ServerUnderTest, type Problem, type TickPage } from './server-under-test.ts';

interface Snapshot {
  readonly snapshotId: string;
  readonly parentSnapshotId: string | null;
  readonly committedTime: string;
  readonly totalRows: number;
  readonly isCurrent: boolean;
}

const COUNT = 'SELECT count(*) AS n FROM trades';
const MORE = 'simulator:ticks=500,rate=max,start=2026-01-05T14:30:00Z,session=later';

describe('time travel', () => {
  scenario('gives the counts of then, by snapshot and by time, over HTTP and in k2', async () => {
    const loading = await ServerUnderTest.start();
    await k2(loading.data, 'load', 'asx', inventedAsxFiles());
    await loading.stop();
    const server = await ServerUnderTest.start({ data: loading.data, feed: MORE });
    await server.drained();
    const { data: snapshots } = await server.json<{ data: readonly Snapshot[] }>('/v1/snapshots?table=trades');
    const [newest, oldest] = [snapshots[0], snapshots.at(-1)!];
    expect(oldest).toMatchObject({ totalRows: INVENTED.kept.trades, parentSnapshotId: null, isCurrent: false });
    const now = (await server.sql<{ n: number }>(COUNT))[0].n;
    expect(now).toBeGreaterThan(INVENTED.kept.trades);
    expect(newest).toMatchObject({ totalRows: now, isCurrent: true });

    for (const asOf of [oldest.snapshotId, oldest.committedTime]) {
      expect(await server.sql(COUNT, asOf)).toEqual([{ n: INVENTED.kept.trades }]);
      const page = await server.json<TickPage>(`/v1/trades?${new URLSearchParams({ asOf })}`);
      expect([page.data.length, page.snapshotId]).toEqual([INVENTED.kept.trades, oldest.snapshotId]);
      expect(await k2Json(server.data, 'trades', '--as-of', asOf)).toHaveLength(INVENTED.kept.trades);
    }
    expect(await server.sql(COUNT, newest.snapshotId)).toEqual([{ n: now }]);
    await server.stop();
  });

  scenario('to a snapshot that is none, or to before the first commit, is a 404 that says so', async () => {
    const server = await ServerUnderTest.start({ feed: MORE });
    await server.drained();
    const problems = await Promise.all(
      [
        await server.get('/v1/trades?asOf=12345'),
        await server.post('/v1/query', { sql: COUNT, asOf: '12345' }),
        await server.get('/v1/trades?asOf=2001-01-01'),
      ].map(async (response) => (await response.json()) as Problem),
    );
    expect(problems.map(({ status, type }) => [status, type])).toEqual([
      [404, 'urn:k2:problem:unknown-snapshot'],
      [404, 'urn:k2:problem:unknown-snapshot'],
      [404, 'urn:k2:problem:no-snapshot-before'],
    ]);
    expect(problems[0].detail).toContain('12345');
    const asked = await k2(server.data, 'trades', '--as-of', '12345');
    expect(asked).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('12345') });
    await server.stop();
  });
});
