import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listed, type JsonRow, type SnapshotsQuestion } from '../session/session.ts';
import { sydneyTime } from './lake-tallies.ts';
import { verifyAsx } from './verify-asx.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'k2-cli-verify-'));
  const write = (name: string, lines: readonly string[]) => {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), lines.map((line) => `${line}\r\n`).join(''));
  };
  write('reference-data/company_info.csv', [
    'company_id,symbol,company_name,ISIN,start_date,end_date',
    '1,OLD,ONE LTD,AU1,01/01/2000,07/01/2013',
    '1,NEW,"ONE, TWO AND CO",AU1,07/02/2013,',
  ]);
  write('trades/1.csv', [
    '07/01/2013,10:00:00.000,1.10,100,0,,',
    '07/02/2013,10:00:00.000,.1,3,0,XT,',
    'torn line',
    '',
    '07/02/2013,10:00:00.001,0.20,7,0,,',
  ]);
  write('quotes/1.csv', ['07/02/2013,10:00:00.000,0.1,0.0,5,0']);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What a correct load leaves in the lake, in UTC: Sydney is ten hours ahead in July. */
const TRADES: readonly JsonRow[] = [
  {
    symbol: 'OLD',
    session: '2013-07-01',
    n: 1,
    price: '1.10000000',
    quantity: '100.00000000',
    first: '2013-07-01T00:00:00.000Z',
    last: '2013-07-01T00:00:00.000Z',
  },
  {
    symbol: 'NEW',
    session: '2013-07-02',
    n: 2,
    price: '0.30000000',
    quantity: '10.00000000',
    first: '2013-07-02T00:00:00.000Z',
    last: '2013-07-02T00:00:00.001Z',
  },
];
const QUOTES: readonly JsonRow[] = [
  {
    ...{
      symbol: 'NEW',
      session: '2013-07-02',
      n: 1,
      bid_price: '0.1',
      ask_price: '0',
      bid_quantity: '5',
      ask_quantity: '0',
    },
    ...{ first: '2013-07-02T00:00:00.000Z', last: '2013-07-02T00:00:00.000Z' },
  },
];
const base64 = (text: string) => Buffer.from(text).toString('base64');
const TORN: readonly JsonRow[] = [{ source: 'asx:trades/1.csv', position: 3, raw: base64('torn line') }];

function lake({ trades = TRADES, quotes = QUOTES, quarantine = TORN, refused = [] as readonly JsonRow[] } = {}) {
  return {
    snapshots: ({ table }: SnapshotsQuestion) =>
      Promise.resolve(listed([{ table, committed_at: '2014-01-01T00:00:00.000Z' }])),
    query: (sql: string) => {
      if (sql.includes('from trades')) return Promise.resolve(listed(trades));
      if (sql.includes('from quotes')) return Promise.resolve(listed(quotes));
      if (sql.includes("source = 'log'")) return Promise.resolve(listed(sql.includes("'trades'") ? refused : []));
      return Promise.resolve(listed(quarantine));
    },
  };
}

const mismatches = async (of: ReturnType<typeof lake>) =>
  (await verifyAsx(of, directory))
    .filter(({ ok }) => !ok)
    .map(({ of: what, measure, where }) => [what, measure, where]);

describe('a recount', () => {
  it('of a correct load finds everything, by symbol and to the last digit', async () => {
    const comparisons = await verifyAsx(lake(), directory);
    expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
    const cells = comparisons.map(({ type, of, measure, files, lake: found }) =>
      [type, of, measure, files, found].join(' '),
    );
    expect(cells).toContain('trades trades/1.csv lines 4 3 + 1 quarantined');
    expect(cells).toContain('trades NEW sum of price 0.3 0.3');
    expect(cells).toContain('trades NEW last local time 2013-07-02 10:00:00.001 2013-07-02 10:00:00.001');
    expect(cells).toContain('quotes NEW sum of bid_quantity 5 5');
  });

  it('finds a tick that is missing', async () => {
    expect(await mismatches(lake({ trades: TRADES.slice(1) }))).toContainEqual(['OLD', 'rows', 'on 2013-07-01']);
  });

  it('finds a price that is off by the last digit, and nothing else', async () => {
    const trades = [TRADES[0]!, { ...TRADES[1]!, price: '0.30000001' }];
    expect(await mismatches(lake({ trades }))).toEqual([['NEW', 'sum of price', 'on 2013-07-02']]);
  });

  it('finds a time that was shifted by an hour', async () => {
    const trades = [TRADES[0]!, { ...TRADES[1]!, last: '2013-07-02T01:00:00.001Z' }];
    expect(await mismatches(lake({ trades }))).toEqual([['NEW', 'last local time', 'on 2013-07-02']]);
  });

  it('finds a line that was dropped in silence', async () => {
    const where = 'neither a row nor in the quarantine: line 3';
    expect(await mismatches(lake({ quarantine: [] }))).toEqual([['trades/1.csv', 'lines', where]]);
  });

  it('finds a good line that is in the table and in the quarantine', async () => {
    const quarantine = [
      ...TORN,
      { source: 'asx:trades/1.csv', position: 5, raw: base64('07/02/2013,10:00:00.001,0.20,7,0,,') },
    ];
    expect(await mismatches(lake({ quarantine }))).toContainEqual(['NEW', 'rows', 'on 2013-07-02']);
  });

  it('expects a line in the table that was refused because our clock was wrong, or for want of a symbol', async () => {
    const refused = (reason: string) => [
      ...TORN,
      { source: 'asx:trades/1.csv', position: 5, raw: base64('07/02/2013,10:00:00.001,0.20,7,0,,'), reason },
    ];
    for (const reason of ['time-out-of-range', 'unknown-symbol'])
      expect(await mismatches(lake({ quarantine: refused(reason) }))).toEqual([]);
    expect(await mismatches(lake({ quarantine: refused('malformed-row') }))).not.toEqual([]);
  });

  it('reads symbols as UTF-8, and without the spaces around them', async () => {
    writeFileSync(
      join(directory, 'reference-data/company_info.csv'),
      'company_id,symbol,start_date,end_date\n1,OLD,01/01/2000,07/01/2013\n1,"  N\u00e0 ",07/02/2013,\n',
    );
    const named = (rows: readonly JsonRow[]) =>
      rows.map((row) => (row['symbol'] === 'NEW' ? { ...row, symbol: 'N\u00e0' } : row));
    expect(await mismatches(lake({ trades: named(TRADES), quotes: named(QUOTES) }))).toEqual([]);
  });

  it('is no match where a file lies there that it cannot read', async () => {
    writeFileSync(join(directory, 'trades/2.csv.gz'), 'x');
    mkdirSync(join(directory, 'quotes/2.csv'));
    mkdirSync(join(directory, 'Trades'));
    const where = 'expected <company id>.csv in trades/ or quotes/';
    expect(await mismatches(lake())).toEqual(
      ['Trades', 'trades/2.csv.gz', 'quotes/2.csv'].map((name) => [name, 'content', where]),
    );
  });

  it('leaves alone what was refused of another file of that name', async () => {
    const quarantine = [...TORN, { source: 'asx:trades/1.csv', position: 5, raw: base64('other bytes') }];
    expect(await mismatches(lake({ quarantine }))).toEqual([]);
  });

  it('counts a tick that was refused after it was numbered, by its values', async () => {
    const tick = {
      symbol: 'OLD',
      session: '2013-07-01',
      timestamp: '2013-07-01T00:00:00.000Z',
      price: '1.1',
      quantity: '100',
    };
    const refused = [{ tick: JSON.stringify(tick) }];
    expect(await mismatches(lake({ trades: TRADES.slice(1), refused }))).toEqual([]);
  });
});

it('an instant is printed as Sydney’s clocks showed it, in summer and in winter', () => {
  expect(sydneyTime('2014-03-09T20:57:14.754Z')).toBe('2014-03-10 07:57:14.754');
  expect(sydneyTime('2013-07-01T14:00:00.000Z')).toBe('2013-07-02 00:00:00.000');
});
