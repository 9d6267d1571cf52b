import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../exit-codes.ts';
import type { LoadSummary } from '../session/session.ts';
import { runCli, withFakeSession } from '../testing/fake-context.ts';

let files: string;
beforeAll(() => {
  files = mkdtempSync(join(tmpdir(), 'k2-cli-load-'));
  mkdirSync(join(files, 'trades'));
});
afterAll(() => rmSync(files, { recursive: true }));

const SUMMARY: LoadSummary = {
  feed: 'asx:files',
  rows: 170_340,
  committed: true,
  kept: { trades: 91_874, quotes: 78_458 },
  duplicates: 0,
  quarantined: 8,
  othersWrote: false,
  refusals: [
    { reason: 'malformed-row', count: 8, places: ['asx:trades/1.csv:4', 'asx:trades/1.csv:9', 'asx:quotes/1.csv:2'] },
  ],
  unread: { count: 0, names: [] },
  comparison: { completedSessions: 0, completedRows: 0, differingSessions: 0, notTakenRows: 0, differences: [] },
};

describe('a load', () => {
  it('says what became of the rows, where refused ones are, and that loading again is safe', async () => {
    const asked: string[] = [];
    const load = (feed: string) => {
      asked.push(feed);
      return Promise.resolve(SUMMARY);
    };
    const { exitCode, stdout } = await runCli(['load', 'asx', files], withFakeSession({ load }));
    expect(asked).toEqual([`asx:${files}`]);
    expect(exitCode).toBe(EXIT.ok);
    expect(stdout).toBe(
      `170,340  rows read
170,332  new in the lake: 91,874 trades, 78,458 quotes
      0  already there
      8  new in the quarantine
           8 rows refused as malformed-row: asx:trades/1.csv:4, asx:trades/1.csv:9, asx:quotes/1.csv:2, …
Loading the same files again is safe: nothing is counted twice.
`,
    );
  });

  it('that refused rows for what lies outside of them says what to do', async () => {
    const refusals = [{ reason: 'time-out-of-range', count: 8, places: ['asx:trades/1.csv:4'] }];
    const world = withFakeSession({ load: () => Promise.resolve({ ...SUMMARY, refusals }) });
    const { stdout } = await runCli(['load', 'asx', files], world);
    expect(stdout).toContain('if the clock is wrong, set it and load again\n');
  });

  it('that first committed what an earlier one had left in the log says so', async () => {
    const summary = { ...SUMMARY, kept: { trades: 0, quotes: 0 }, duplicates: 170_332, earlierRecords: 2_100 };
    const world = withFakeSession({ load: () => Promise.resolve(summary) });
    const { stdout } = await runCli(['load', 'asx', files], world);
    expect(stdout).toContain('left 2,100 log records uncommitted: committed first, their rows count as already there');
  });

  it('that left files out names them, and does not end as if all were there', async () => {
    const unread = { count: 3, names: ['trades/2.csv.gz', 'trades/\n\u001b[31m.csv'] };
    const world = withFakeSession({ load: () => Promise.resolve({ ...SUMMARY, unread }) });
    const { exitCode, stdout } = await runCli(['load', 'asx', files], world);
    expect(exitCode).toBe(EXIT.incomplete);
    expect(stdout).toContain(
      'Not read, because not called <company id>.csv: trades/2.csv.gz, trades/\\x0a\\x1b[31m.csv, … 3 in all\n',
    );
  });

  it('of files that differ from the lake says how, and does not end as if all were there', async () => {
    const of = { recordType: 'trades', exchange: 'ASX', symbol: 'BHP', session: '2014-03-10', rows: [] } as const;
    const counts = { changedRows: 0, movedBy: 0, movedRows: 0, missingRows: 0, refusedRows: 0, heldBackRows: 0 };
    const ends = { sourceLastSequence: 3, lakeLastSequence: 5 };
    const fields = [{ field: 'price', source: '2.5', lake: '2' }];
    const [at, base] = ['asx:trades/1.csv:2', { ...of, ...counts, ...ends }];
    const comparison: LoadSummary['comparison'] = {
      ...{ completedSessions: 1, completedRows: 2, differingSessions: 6, notTakenRows: 9 },
      differences: [
        { ...base, kind: 'rows-changed', at, changedRows: 1, heldBackRows: 2, rows: [{ at, sequence: 2, fields }] },
        { ...base, kind: 'rows-inserted', at, changedRows: 3, movedBy: 1, movedRows: 4, heldBackRows: 1 },
        { ...base, kind: 'rows-removed', at, changedRows: 3, movedBy: 1, movedRows: 1, missingRows: 1 },
        { ...base, kind: 'rows-missing', at: null, missingRows: 2 },
        { ...base, kind: 'rows-refused-before', at, refusedRows: 1 },
      ],
    };
    const world = withFakeSession({ load: () => Promise.resolve({ ...SUMMARY, comparison }) });
    const { exitCode, stdout } = await runCli(['load', 'asx', files], world);
    expect(exitCode).toBe(EXIT.incomplete);
    expect(stdout).toContain(`
      9  not taken: they differ from what the lake has
`);
    expect(stdout).toContain(`
2 rows of the new ones complete 1 session that the lake had in part.
6 sessions of the files differ from what the lake has:
  trades BHP 2014-03-10: 1 row changed, the first at asx:trades/1.csv:2; 2 new rows behind it were left out
    asx:trades/1.csv:2: price is 2.5, in the lake 2
  trades BHP 2014-03-10: 1 row inserted at asx:trades/1.csv:2 or before; the 4 rows behind it are numbered anew and would look like other ticks
  trades BHP 2014-03-10: 1 row removed before asx:trades/1.csv:2; the 1 row behind it is numbered anew and would look like other ticks
  trades BHP 2014-03-10: ends at number 3, in the lake at 5; 2 rows of the lake are not in the files
  trades BHP 2014-03-10: 1 row came before and is in no table: refused then, or removed by retention, the first at asx:trades/1.csv:2
  … and 1 more
What differs was not taken: the lake keeps what it has.
`);
  });

  it('as JSON is its summary', async () => {
    const world = withFakeSession({ load: () => Promise.resolve(SUMMARY) });
    const { stdout } = await runCli(['load', 'asx', files, '--json'], world);
    expect(JSON.parse(stdout)).toEqual(SUMMARY);
  });

  it('that the server stopped on the way claims nothing of its rows', async () => {
    const world = withFakeSession({ load: () => Promise.resolve({ ...SUMMARY, committed: false }) });
    const { exitCode, stdout, stderr } = await runCli(['load', 'asx', files], world);
    expect([exitCode, stdout]).toEqual([EXIT.failed, '']);
    expect(stderr).toContain('the load was stopped after 170,340 rows, before all of them were committed');
  });

  it('that Ctrl-C stops says how to go on', async () => {
    const interrupt = new AbortController();
    const load = () => {
      interrupt.abort();
      return Promise.resolve({ ...SUMMARY, committed: false });
    };
    const world = { ...withFakeSession({ load }), signal: interrupt.signal };
    const { exitCode, stdout, stderr } = await runCli(['load', 'asx', files], world);
    expect([exitCode, stdout]).toEqual([EXIT.interrupted, '']);
    expect(stderr).toContain(`k2 load asx ${files}`);
  });

  it('of a directory that holds no files of ASX opens nothing', async () => {
    const { exitCode, stderr } = await runCli(['load', 'asx', join(files, 'trades')]);
    expect(exitCode).toBe(EXIT.failed);
    expect(stderr).toContain('neither trades/ nor quotes/');
  });
});
