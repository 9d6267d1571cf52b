import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPlatform, readSettings, type LoadReport, type OpenPlatform } from './index.ts';

let directory: string;
let opened: OpenPlatform;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-compare-'));
  for (const folder of ['trades', 'quotes', 'reference-data']) await mkdir(join(directory, folder));
  const reference = 'company_id,symbol,start_date,end_date\n1,AAA,01/01/2000,\n2,BBB,01/01/2000,\n';
  await writeFile(join(directory, 'reference-data/company_info.csv'), reference);
  const flags = { storage: 'memory', role: 'sink', feed: 'none', logLevel: 'error', data: directory };
  opened = await openPlatform(readSettings(flags, { K2_FLUSH_INTERVAL_MS: '10' }), { access: 'write' });
  opened.platform.start();
});
afterEach(async () => {
  await opened.close();
  await rm(directory, { recursive: true });
});

const row = (second: number, price: number | string = second, date = '03/10/2014') =>
  `${date},10:00:${String(second).padStart(2, '0')}.000,${price},100,0,X,9`;
const write = (name: string, rows: readonly string[]) =>
  writeFile(join(directory, name), rows.map((one) => `${one}\n`).join(''));
const load = (): Promise<LoadReport> =>
  opened.platform.load(opened.createFeed(`asx:${directory}`), new AbortController().signal);

/** Loads the trades, then them as changed. */
async function again(rows: readonly string[], changed: readonly string[]) {
  await write('trades/1.csv', rows);
  await load();
  await write('trades/1.csv', changed);
  return load();
}
const FIVE = [1, 2, 3, 4, 5].map((second) => row(second));

describe('a load of files that were loaded before', () => {
  it('that are the same has nothing to say, and takes nothing', async () => {
    await write('quotes/1.csv', ['03/10/2014,10:00:00.000,1.5,1.75,100,0']);
    const { comparison, acknowledgedTicks } = await again(FIVE, FIVE);
    expect(acknowledgedTicks).toBe(6);
    expect(comparison).toEqual({
      ...{ completedSessions: 0, completedRows: 0, differingSessions: 0, notTakenRows: 0 },
      differences: [],
    });
  });

  it('names a row that was corrected in place, with both values', async () => {
    const { comparison, acknowledgedTicks } = await again(FIVE, FIVE.with(1, row(2, '2.5')));
    expect(acknowledgedTicks).toBe(4);
    expect(comparison).toMatchObject({ differingSessions: 1, notTakenRows: 1, completedRows: 0 });
    expect(comparison.differences).toMatchObject([
      {
        ...{ recordType: 'trades', symbol: 'AAA', session: '2014-03-10', kind: 'rows-changed', changedRows: 1 },
        at: 'asx:trades/1.csv:2',
        rows: [{ at: 'asx:trades/1.csv:2', fields: [{ field: 'price', source: '2.5', lake: '2' }] }],
      },
    ]);
  });

  it.each([
    ['time', row(3).replace('10:00:03.000', '10:00:03.001'), 'timestamp'],
    ['quantity', row(3).replace(',100,', ',101,'), 'quantity'],
    ['qualifiers', row(3).replace(',0,X', ',XT,X'), 'trade_conditions'],
    ['venue', row(3).replace(',X,', ',,'), 'vendor_data'],
  ])('names the field where it is the %s that changed', async (_, changed, field) => {
    const { comparison } = await again(FIVE, FIVE.with(2, changed));
    expect(comparison.differences[0].rows[0].fields.map((one) => one.field)).toEqual([field]);
  });

  it('loads rows that were appended, and says that they complete the session', async () => {
    const { comparison, acknowledgedTicks } = await again(FIVE.slice(0, 3), FIVE);
    expect(acknowledgedTicks).toBe(5);
    expect(comparison).toMatchObject({ completedSessions: 1, completedRows: 2, differingSessions: 0 });
  });

  it('loads a row that fills the hole of one that could not be read', async () => {
    const { comparison } = await again(FIVE.with(2, 'torn'), FIVE);
    expect(comparison).toMatchObject({ completedSessions: 1, completedRows: 1, differingSessions: 0 });
  });

  it('takes nothing behind a row that was inserted, and says that all behind it are numbered anew', async () => {
    const { comparison, acknowledgedTicks } = await again(FIVE, FIVE.toSpliced(1, 0, row(1, '1.25')));
    expect(acknowledgedTicks).toBe(1);
    expect(comparison.differences).toMatchObject([
      { kind: 'rows-inserted', at: 'asx:trades/1.csv:2', movedBy: 1, movedRows: 4, heldBackRows: 1 },
    ]);
  });

  it('says the same of a row that was deleted', async () => {
    const { comparison } = await again(FIVE, FIVE.toSpliced(1, 1));
    expect(comparison.differences).toMatchObject([
      { kind: 'rows-removed', at: 'asx:trades/1.csv:2', movedBy: 1, movedRows: 3, missingRows: 1 },
    ]);
  });

  it('tells a file that was cut short', async () => {
    const { comparison } = await again(FIVE, FIVE.slice(0, 3));
    expect(comparison.differences).toMatchObject([
      { kind: 'rows-missing', missingRows: 2, sourceLastSequence: 3, lakeLastSequence: 5 },
    ]);
  });

  it('tells a row that was refused for its price and has another now', async () => {
    const refused = FIVE.with(2, row(3, 0));
    expect((await again(refused, refused)).comparison.differingSessions).toBe(0);
    await write('trades/1.csv', FIVE);
    expect((await load()).comparison.differences).toMatchObject([
      { kind: 'rows-refused-before', refusedRows: 1, at: 'asx:trades/1.csv:3' },
    ]);
  });

  it('loads other sessions and instruments beside one that differs', async () => {
    const other = row(1, 1, '03/11/2014');
    await write('trades/2.csv', []);
    await again(FIVE, [...FIVE.with(0, row(1, 9)), other]);
    await write('trades/2.csv', FIVE);
    const { comparison } = await load();
    expect(comparison.differences.map(({ symbol, session }) => `${symbol} ${session}`)).toEqual(['AAA 2014-03-10']);
    const snapshots = await opened.platform.ports.store.snapshots('market_data.trades', 1);
    expect(snapshots[0].totalRows).toBe(FIVE.length + 1 + FIVE.length);
  });
});
