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
  refusals: [
    { reason: 'malformed-row', count: 8, places: ['asx:trades/1.csv:4', 'asx:trades/1.csv:9', 'asx:quotes/1.csv:2'] },
  ],
  unread: { count: 0, names: [] },
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

  it('as JSON is its summary', async () => {
    const world = withFakeSession({ load: () => Promise.resolve(SUMMARY) });
    const { stdout } = await runCli(['load', 'asx', files, '--json'], world);
    expect(JSON.parse(stdout)).toEqual(SUMMARY);
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
