import { describe, expect } from '@jest/globals';
import { INVENTED, inventedAsxFiles, tamper } from './asx-files.ts';
import { k2, k2Json, type LoadSummary } from './cli-under-test.ts';
import { scenario, scratchDirectory } from './scenario.ts';
import { ServerUnderTest, type TickPage } from './server-under-test.ts';

async function load(data: string, files: string): Promise<LoadSummary> {
  const lines = await k2Json<LoadSummary>(data, 'load', 'asx', files);
  expect(lines).toHaveLength(1);
  return lines[0];
}

function checkFirstLoad({ rows, committed, kept, duplicates, quarantined, refusals }: LoadSummary): void {
  expect({ rows, committed, kept, duplicates, quarantined }).toEqual({
    rows: INVENTED.rows,
    committed: true,
    kept: INVENTED.kept,
    duplicates: 0,
    quarantined: INVENTED.refusedAt.length,
  });
  expect(refusals.map(({ reason, count }) => [reason, count])).toEqual([['malformed-row', INVENTED.refusedAt.length]]);
  expect([...refusals[0].places].sort()).toEqual(INVENTED.refusedAt);
}

describe('k2 load asx', () => {
  scenario(
    'keeps what can be read, quarantines the rest by file and line, and adds nothing when repeated',
    async () => {
      const [data, files] = [scratchDirectory(), inventedAsxFiles()];
      checkFirstLoad(await load(data, files));
      const again = await load(data, files);
      expect(again).toMatchObject({ kept: { trades: 0, quotes: 0 }, duplicates: INVENTED.rows, quarantined: 0 });
      const quarantine = 'select source, position, detail, raw from quarantine order by source, position';
      const refused = await k2Json<Record<string, unknown>>(data, 'query', quarantine);
      expect(refused.map(({ source, position }) => `${source}:${position}`)).toEqual(INVENTED.refusedAt);
      expect(refused[1]['detail']).toContain('quarter past');
      expect((await k2(data, 'verify')).code).toBe(0);
    },
  );

  scenario('is the same through a running server', async () => {
    const server = await ServerUnderTest.start();
    const files = inventedAsxFiles();
    checkFirstLoad(await load(server.data, files));
    expect(await load(server.data, files)).toMatchObject({ duplicates: INVENTED.rows, quarantined: 0 });
    const count = (await server.sql<{ n: number }>('select count(*) n from trades'))[0].n;
    expect(count).toBe(INVENTED.kept.trades);
    expect((await k2(server.data, 'verify', 'asx', files)).code).toBe(0);
    await server.stop();
  });

  scenario('tells a row that was corrected since it was loaded, and does not take it', async () => {
    const server = await ServerUnderTest.start();
    const files = inventedAsxFiles();
    await load(server.data, files);
    tamper(files, 'trades/9001.csv', '5.015,4580', '5.016,4580');
    const { code, stdout } = await k2(server.data, 'load', 'asx', files);
    expect(code).toBe(4);
    expect(stdout).toContain('asx:trades/9001.csv:5: price is 5.016, in the lake 5.015');
    const prices = await server.sql<{ p: string }>("select price p from trades where session = '2014-03-11'");
    expect(prices).toEqual([{ p: '5.015' }]);
    await server.stop();
  });

  scenario('yields answers that do not claim to be complete: the files are not numbered', async () => {
    const server = await ServerUnderTest.start();
    await load(server.data, inventedAsxFiles());
    const whole = await server.json<TickPage>('/v1/trades?exchange=ASX&symbol=QQQ');
    expect(whole.data).toMatchObject([{ price: '0.005', quantity: '1000000', currency: 'AUD' }]);
    expect(whole.completeness).toEqual({ status: 'unverifiable', reason: expect.stringMatching(/\w/) });
    const refusedInside = await server.json<TickPage>('/v1/trades?exchange=ASX&symbol=ZZA');
    expect(refusedInside.completeness).toMatchObject({ status: 'gaps', gaps: [{ sequenceFrom: 3, sequenceTo: 3 }] });
    await server.stop();
  });

  scenario('of a directory that is none ends with 1 and leaves no data directory behind', async () => {
    const data = scratchDirectory();
    const { code, stdout, stderr } = await k2(data, 'load', 'asx', `${data}/nowhere`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${data}/nowhere`);
  });
});

describe('k2 verify', () => {
  scenario('matches while the lake is fed', async () => {
    const server = await ServerUnderTest.start({ feed: 'simulator:rate=2000' });
    const files = inventedAsxFiles();
    await load(server.data, files);
    for (const args of [['verify'], ['verify', 'asx', files], ['verify']])
      expect(await k2(server.data, ...args)).toMatchObject({ code: 0, stderr: expect.stringContaining('all match') });
    await server.stop();
  });
});

describe('k2 verify asx', () => {
  scenario('matches what was loaded, and names what differs once a value is changed in a file', async () => {
    const [data, files] = [scratchDirectory(), inventedAsxFiles()];
    await load(data, files);
    const verified = await k2(data, 'verify', 'asx', files);
    expect(verified.stdout).not.toContain('MISMATCH');
    expect(verified).toMatchObject({ code: 0, stderr: expect.stringContaining('all match') });
    tamper(files, 'trades/9001.csv', '5.015,4580', '5.016,4580');
    const { code, stderr } = await k2(data, 'verify', 'asx', files);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      'mismatch: trades ZZA: sum of price is 15.525 in the lake, 15.526 in the files (on 2014-03-11)',
    ]);
  });

  scenario('names a line that is in the files and not in the lake', async () => {
    const [data, files] = [scratchDirectory(), inventedAsxFiles()];
    await load(data, files);
    tamper(files, 'trades/9002.csv', '0,,\n', '0,,\n03/10/2014,11:00:01.000,0.005,7,0,,\n');
    const { code, stderr } = await k2(data, 'verify', 'asx', files);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'mismatch: trades trades/9002.csv: lines is 1 + 0 quarantined in the lake, 2 in the files',
    );
  });
});
