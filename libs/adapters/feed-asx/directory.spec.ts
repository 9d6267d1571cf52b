import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isPortError, type FeedEvent } from '@k2/ports';
import { AsxFeed } from './feed.ts';

const ROW = '03/10/2014,10:00:00.000,1,1,0,,\r\n';
const REFERENCE =
  'company_id,symbol,company_name,ISIN,start_date,end_date\r\n7,ABC,"A, B LTD",X,01/01/2010,12/31/2030\r\n';
const clock = { nowUs: () => 1_767_600_000_000_000, monotonicUs: () => 1 };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-asx-'));
  for (const folder of ['trades', 'quotes', 'reference-data']) await mkdir(join(directory, folder));
  await write('reference-data/company_info.csv', REFERENCE);
  await write('trades/7.csv', ROW);
});
afterEach(() => rm(directory, { recursive: true }));

describe('a directory is refused before the first tick', () => {
  it('that does not exist', () => refused(`${directory}/absent`, /absent is no folder that can be read.*ENOENT/));

  it('that is a file', () => refused(join(directory, 'trades/7.csv'), /7\.csv is no folder that can be read/));

  it('without trade or quote files', async () => {
    await rm(join(directory, 'trades/7.csv'));
    await refused(directory, /has no trades\/<company id>\.csv and no quotes/);
  });

  it('without reference data', async () => {
    await rm(join(directory, 'reference-data'), { recursive: true });
    await refused(directory, /company_info\.csv cannot be read: it says which symbol/);
  });

  it('with files of companies that the reference data does not know, naming the first of them', async () => {
    for (const id of [8, 9, 80, 81, 82, 83, 84]) await write(`quotes/${id}.csv`, '');
    await refused(
      directory,
      /company_info\.csv cannot be used: it has no symbol for 8, 80, 81, 82, 83 and 2 more; add or correct the row/,
    );
  });

  it.each([
    ['7,XYZ,A,X,01/01/2014,', /two rows of company 7 cover 2014-01-01/],
    ['8,ABC,A,X,12\/31\/2030,', /two rows of symbol ABC cover 2030-12-31/],
    ['7,XYZ,A,X,2014-01-01,', /line 3: start_date is "2014-01-01": expected a date/],
    ['7,,A,X,01/01/2031,', /line 3: company 7 has no symbol/],
  ])('with reference data that is unusable: %s', async (row, message) => {
    await write('reference-data/company_info.csv', REFERENCE + row);
    await write('trades/8.csv', ROW);
    if (!row.startsWith('8')) await rm(join(directory, 'trades/8.csv'));
    await refused(directory, message);
  });

  it('whose reference data is larger than any', async () => {
    await truncate(join(directory, 'reference-data/company_info.csv'), 33_554_433);
    await refused(directory, /company_info\.csv has 33554433 bytes: expected at most 33554432/);
  });

  it('whose only file has another name, which is said without its control characters', async () => {
    await rename(join(directory, 'trades/7.csv'), join(directory, 'trades/\n\x1b[31m.csv'));
    await refused(directory, /expected at least one; not read: trades\/\\u000a\\u001b\[31m\.csv$/);
  });
});

describe('a directory is loaded', () => {
  it('where one of the two folders is missing', async () => {
    await rm(join(directory, 'quotes'), { recursive: true });
    expect(rowsOf(await load())).toEqual(['trades 1']);
  });

  it('where a file is empty', async () => {
    await write('quotes/7.csv', '');
    expect(rowsOf(await load())).toEqual(['trades 1']);
  });

  it('in order of names, trades before quotes, files sharing batches, others named', async () => {
    await write('reference-data/company_info.csv', `${REFERENCE}10,TEN,T,X,01/01/2010,\r\n`);
    await write('trades/10.csv', ROW.repeat(2));
    await write('quotes/10.csv', '03/10/2014,10:00:00.000,1,2,1,1\n');
    await write('quotes/notes.txt', 'x');
    const feed = new AsxFeed({ directory }, { clock });
    expect(rowsOf(await load(feed))).toEqual(['trades 3', 'quotes 1']);
    expect(feed.summary()).toMatchObject({
      files: [
        { source: 'asx:trades/10.csv', keptRows: 2 },
        { source: 'asx:trades/7.csv', keptRows: 1 },
        { source: 'asx:quotes/10.csv', keptRows: 1 },
      ],
      unread: ['quotes/notes.txt'],
    });
  });

  it('and what lies beside the files and looks like them is named, once', async () => {
    for (const name of ['trades/8.csv.gz', 'trades/9.CSV', 'trades/.10.csv.swp', 'quotes.zip', 'LICENSE'])
      await write(name, 'x');
    await mkdir(join(directory, 'quotes/2014'));
    const told = (await load()).filter(({ kind }) => kind === 'unread');
    expect(told).toEqual([{ kind: 'unread', names: ['quotes.zip', 'trades/8.csv.gz', 'trades/9.CSV', 'quotes/2014'] }]);
  });

  it('not to the end where a file is no CSV, however long its one line is', async () => {
    await truncate(join(directory, 'trades/7.csv'), 40 * 2 ** 20);
    await expect(load()).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringMatching(/7\.csv line 2 is longer than 16777216 bytes: expected CSV/),
    });
  });

  it('not to the end where a file is written to meanwhile: half a row may look like a whole one', async () => {
    await write('trades/7.csv', ROW.repeat(10_000));
    const events = new AsxFeed({ directory, readBytes: 70_000 }, { clock }).open(new AbortController().signal);
    const rest = async () => {
      for await (const event of events) {
        if (event.kind !== 'progress') continue;
        await appendFile(join(directory, 'trades/7.csv'), '03/10/2014,10:00:00.000,1,1');
      }
    };
    await expect(rest()).rejects.toMatchObject({ message: expect.stringContaining('changed while it was read') });
  });

  it('over its bounds: more rejections than are held at once all arrive', async () => {
    await write('trades/7.csv', 'x\n'.repeat(2_500) + ROW);
    const events = await load();
    const sizes = events.flatMap((event) => (event.kind === 'rejections' ? [event.rejections.length] : []));
    expect(sizes).toEqual([1_000, 1_000, 500]);
    const batches = events.flatMap((event) => (event.kind === 'ticks' ? [[...event.batch.venueSequence]] : []));
    expect(batches).toEqual([[2_501]]);
  });

  it('in reads smaller than the file, the same as at once', async () => {
    const line = (i: number) => ROW.replace('.000', `.${String(i % 1_000).padStart(3, '0')}`);
    await write('trades/7.csv', Array.from({ length: 10_000 }, (_, i) => line(i)).join(''));
    const times = async (feed: AsxFeed) =>
      (await load(feed)).flatMap((event) => (event.kind === 'ticks' ? [...event.batch.eventTimeUs] : []));
    const whole = await times(new AsxFeed({ directory }, { clock }));
    expect(whole.length).toBe(10_000);
    expect(await times(new AsxFeed({ directory, readBytes: 65_537, rowsMax: 333 }, { clock }))).toEqual(whole);
  });
});

it('an option out of its range is refused', () => {
  expect(() => new AsxFeed({ directory, rowsMax: 0 }, { clock })).toThrow(
    'rowsMax is 0: expected a whole number from 1 to 65536',
  );
  expect(() => new AsxFeed({ directory, readBytes: 10 }, { clock })).toThrow('readBytes is 10');
});

async function write(path: string, text: string): Promise<void> {
  await writeFile(join(directory, path), text);
}

async function load(feed = new AsxFeed({ directory }, { clock })): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of feed.open(new AbortController().signal)) events.push(event);
  return events;
}

function rowsOf(events: readonly FeedEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === 'ticks' ? [`${event.batch.recordType} ${event.batch.rowCount}`] : [],
  );
}

async function refused(path: string, message: RegExp): Promise<void> {
  const events: FeedEvent[] = [];
  let error: unknown;
  try {
    for await (const event of new AsxFeed({ directory: path }, { clock }).open(new AbortController().signal))
      events.push(event);
  } catch (caught) {
    error = caught;
  }
  expect(isPortError(error, 'misconfigured')).toBe(true);
  expect(String(error)).toMatch(message);
  expect(events).toEqual([]);
}
