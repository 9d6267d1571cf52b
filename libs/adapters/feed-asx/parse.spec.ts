import { describe, expect, it } from '@jest/globals';
import { parseDecimal, parseTimeUs, quoteAt, tradeAt, type QuoteBatch, type TradeBatch } from '@k2/domain/market';
import fc from 'fast-check';
import { CompanySymbols } from './company-symbols.ts';
import { scaledAt } from './fields.ts';
import { quarantineId } from '@k2/domain/lake';
import { LINE_BYTES_MAX } from './file-parser.ts';
import { QuoteFileParser, TradeFileParser } from './parse.ts';
import { SydneyCalendar } from './sydney-time.ts';
import { QuoteRows, TradeRows } from './tick-rows.ts';

const RECEIVED_US = 1_767_600_000_000_000;
const REFERENCE = 'company_id,symbol,company_name,ISIN,start_date,end_date\r\n7,ABC,A LTD,X,01/01/2010,12/31/2030\r\n';
const encoder = new TextEncoder();
const SYMBOLS = CompanySymbols.parse(encoder.encode(REFERENCE), new Set(['7']));

describe('a trade row', () => {
  it('becomes a trade in UTC', () => {
    const { batch } = trades('03/10/2014,07:57:14.754,36.667,20000,3,X,81\r\n');
    expect(tradeAt(batch!, 0)).toEqual({
      eventTimeUs: parseTimeUs('2014-03-09T20:57:14.754Z'),
      receiveTimeUs: RECEIVED_US,
      venueSequence: 1,
      vendorData: { venue: 'X', buyer_id: '81' },
      tradeId: null,
      price: 3_666_700_000n,
      quantity: 2_000_000_000_000n,
      aggressorSide: 'UNKNOWN',
      conditions: ['3'],
    });
    expect(batch!.series).toEqual([
      {
        exchange: 'ASX',
        symbol: 'ABC',
        assetClass: 'equities',
        currency: 'AUD',
        session: '2014-03-10',
        sequenceOrigin: 'arrival',
        firstSequence: null,
      },
    ]);
  });

  it('without qualifiers, venue and buyer has no conditions and no vendor data', () => {
    const { batch } = trades(
      '03/10/2014,10:00:00.000,1,1,,,\n03/10/2014,10:00:00.000,1,1,,X,\n03/10/2014,10:00:00.000,1,1,,,9\n',
    );
    expect([0, 1, 2].map((row) => tradeAt(batch!, row).conditions)).toEqual([[], [], []]);
    expect([0, 1, 2].map((row) => tradeAt(batch!, row).vendorData)).toEqual([null, { venue: 'X' }, { buyer_id: '9' }]);
  });

  it('shares conditions and vendor data through the dictionaries of each batch', () => {
    const { batch } = trades('03/10/2014,10:00:00.000,1,1,XT,X,\n'.repeat(50));
    expect(batch!.conditions).toEqual([[], ['XT']]);
    expect(batch!.vendorData).toEqual([null, { venue: 'X' }]);
  });

  it('keeps numbers beyond 2^53 exact', () => {
    const { batch } = trades('03/10/2014,10:00:00.000,1234567890.12345678,9999999999.99999999,0,,\n');
    expect(tradeAt(batch!, 0)).toMatchObject({ price: 123_456_789_012_345_678n, quantity: 999_999_999_999_999_999n });
  });

  it('keeps prices of zero and below: whether they can be is for the quality rules', () => {
    const { batch } = trades('03/10/2014,10:00:00.000,-1.5,1,0,,\n03/10/2014,10:00:00.000,0.0,1,0,,\n');
    expect([...batch!.price]).toEqual([-150_000_000n, 0n]);
  });

  it('counts from 1 in each session, for interleaved sessions too', () => {
    const row = (date: string) => `${date},10:00:00.000,1,1,0,,\n`;
    const { batch } = trades([row('03/10/2014'), row('03/11/2014'), row('03/10/2014'), row('03/11/2014')].join(''));
    expect([...batch!.venueSequence]).toEqual([1, 1, 2, 2]);
  });
});

describe('a quote row', () => {
  it('keeps the price of an empty side and its quantity of 0', () => {
    const { batch } = quotes('03/10/2014,05:46:13.604,1.11,0.0,10300,0\r\n');
    expect(quoteAt(batch!, 0)).toMatchObject({
      bidPrice: 111_000_000n,
      bidQuantity: 1_030_000_000_000n,
      askPrice: 0n,
      askQuantity: 0n,
      quoteId: null,
    });
  });

  it('keeps numbers beyond 2^53 exact', () => {
    const { batch } = quotes('03/10/2014,05:46:13.604,1.11,1.12,9999999999.99999999,1\r\n');
    expect(batch!.bidQuantity[0]).toBe(999_999_999_999_999_999n);
  });
});

describe('a malformed row', () => {
  it.each([
    ['junk', 'the row has 1 field: expected 7'],
    ['03/10/2014,10:00:00.000,1,1,0,', 'the row has 6 fields: expected 7'],
    ['03/10/2014,10:00:00.000,1,1,0,,,', 'the row has 8 fields: expected 7'],
    ['02/30/2014,10:00:00.000,1,1,0,,', 'Date is "02/30/2014": expected a date as MM/DD/YYYY, 03/10/2014 for 10 March'],
    ['2014-03-10,10:00:00.000,1,1,0,,', 'Date is "2014-03-10": expected a date as MM/DD/YYYY, 03/10/2014 for 10 March'],
    ['00/00/0000,10:00:00.000,1,1,0,,', 'Date is "00/00/0000": expected a date as MM/DD/YYYY, 03/10/2014 for 10 March'],
    ['03/10/2014,24:00:00.000,1,1,0,,', 'Time is "24:00:00.000": expected a time of day as 13:50:38.849'],
    ['03/10/2014,10:60:00.000,1,1,0,,', 'Time is "10:60:00.000": expected a time of day as 13:50:38.849'],
    ['03/10/2014,1x:00:00.000,1,1,0,,', 'Time is "1x:00:00.000": expected a time of day as 13:50:38.849'],
    ['03/10/2014,10:00:00.000,,1,0,,', 'Price is "": expected a decimal of at most 10 digits'],
    ['03/10/2014,10:00:00.000,1e3,1,0,,', 'Price is "1e3": expected a decimal of at most 10 digits'],
    ['03/10/2014,10:00:00.000,1.2.3,1,0,,', 'Price is "1.2.3": expected a decimal of at most 10 digits'],
    ['03/10/2014,10:00:00.000,0.123456789,1,0,,', 'Price is "0.123456789": expected a decimal'],
    ['03/10/2014,10:00:00.000,1,NaN,0,,', 'Volume is "NaN": expected a decimal of at most 10 digits'],
  ])('%s is refused with what was expected', (line, detail) => {
    const { batch, rejections } = trades(`${line}\r\n`);
    expect(batch).toBeNull();
    expect(rejections).toEqual([
      {
        quarantineId: quarantineId('asx:trades/7.csv', 1, encoder.encode(line)),
        exchange: 'ASX',
        recordType: 'trades',
        source: 'asx:trades/7.csv',
        position: 1,
        reason: 'malformed-row',
        detail: expect.stringContaining(`asx:trades/7.csv line 1: ${detail}`),
        raw: encoder.encode(line),
        receiveTimeUs: RECEIVED_US,
      },
    ]);
  });

  it('leaves a hole that the corrected row fills, also before the first good row and at a new session', () => {
    const good = ['03/10/2014', '03/10/2014', '03/11/2014', '03/11/2014'].map((date) => `${date},10:00:00.000,1,1,0,,`);
    const numbers = (lines: readonly string[]) => {
      const { batch } = trades(lines.join('\n'));
      return Array.from(batch!.venueSequence, (n, row) => `${batch!.series[batch!.seriesCode[row]]!.session} ${n}`);
    };
    const all = numbers(good);
    expect(all).toEqual(['2014-03-10 1', '2014-03-10 2', '2014-03-11 1', '2014-03-11 2']);
    const breaks = (line: string) => line.replace(',1,1,', ',x,1,');
    good.forEach((_, broken) => {
      expect(numbers(good.map((line, i) => (i === broken ? breaks(line) : line)))).toEqual(
        all.filter((_, i) => i !== broken),
      );
    });
    expect(numbers(['junk', ...good.slice(1)])).toEqual(all.slice(1));
    expect(numbers([good[0], 'junk', ...good.slice(2)])).toEqual(all.filter((_, i) => i !== 1));
  });

  it('on a date without a symbol says so', () => {
    const { rejections } = trades('01/01/2031,10:00:00.000,1,1,0,,\n');
    expect(rejections[0]).toMatchObject({
      reason: 'unknown-symbol',
      detail: expect.stringContaining('company 7 has no symbol on 01/01/2031'),
    });
  });

  it('ahead of our clock is refused without being numbered as seen: it may be the clock that is wrong', () => {
    const row = (date: string) => `${date},10:00:00.000,1,1,0,,\n`;
    const ahead = read(encoder.encode(row('03/10/2014').repeat(2)), undefined, parseTimeUs('2014-01-01'));
    expect(ahead.batch).toBeNull();
    expect(ahead.rejections.map(({ reason, position }) => [reason, position])).toEqual([
      ['time-out-of-range', 1],
      ['time-out-of-range', 2],
    ]);
    expect(ahead.rejections[0].detail).toContain(
      "Date and Time are 03/10/2014 10:00:00.000: expected 1970 at the earliest and a day ahead of this machine's clock at most, which says 2014-01-01T00:00:00.000Z",
    );
    expect([...trades(row('03/10/2014') + row('01/01/1960') + row('03/10/2014')).batch!.venueSequence]).toEqual([1, 2]);
  });

  it('of binary junk keeps the bytes', () => {
    const junk = Uint8Array.of(0, 255, 254, 13, 1, 2);
    const { rejections } = read(Uint8Array.of(...junk, 10));
    expect(rejections[0].raw).toEqual(junk);
    const invalidUtf8 = encoder.encode('03/10/2014,10:00:00.000,1,1,~,,\n').map((byte) => (byte === 126 ? 255 : byte));
    expect(read(invalidUtf8).rejections[0].detail).toContain('expected text in UTF-8');
  });

  it('longer than 64 KiB is refused once, its first 64 KiB kept, and the next row is read', () => {
    const row = '03/10/2014,10:00:00.000,1,1,0,,\n';
    const text = `${row}${'9'.repeat(3 * LINE_BYTES_MAX)}\n${row}`;
    for (const window of [70_000, 1_000_000]) {
      const { batch, rejections } = read(encoder.encode(text), window);
      expect(rejections.map(({ reason, position, raw }) => [reason, position, raw.length])).toEqual([
        ['line-too-long', 2, LINE_BYTES_MAX],
      ]);
      expect([...batch!.venueSequence]).toEqual([1, 3]);
    }
  });
});

describe('a file', () => {
  const rows =
    '03/10/2014,10:00:00.000,1.5,1,0,,\r\n03/10/2014,10:00:00.001,1.25,2,XT,X,\r\njunk\r\n\r\n03/11/2014,10:00:00.000,1,3,,,5\r\n';

  it('reads the same with LF or CRLF, with a byte order mark, and without a last line feed', () => {
    const plain = trades(rows);
    const bare = ({ batch, rejections }: ReturnType<typeof trades>) => ({ batch, rejections });
    expect(bare(trades(rows.replaceAll('\r', '')))).toEqual(bare(plain));
    expect(bare(trades(`\uFEFF${rows}`))).toEqual(bare(plain));
    expect(bare(trades(rows.trimEnd()))).toEqual(bare(plain));
  });

  it('reads the same however its bytes are cut into windows', () => {
    const bytes = encoder.encode(rows.repeat(3));
    const whole = read(bytes);
    fc.assert(fc.property(fc.integer({ min: 40, max: 400 }), (window) => expect(read(bytes, window)).toEqual(whole)));
  });

  it('counts every line as kept, refused or blank', () => {
    expect(trades(rows).summary).toEqual({
      source: 'asx:trades/7.csv',
      keptRows: 3,
      rejectedRows: {
        'malformed-row': 1,
        'nonexistent-time': 0,
        'time-out-of-range': 0,
        'unknown-symbol': 0,
        'line-too-long': 0,
      },
      blankLines: 1,
    });
    expect(trades('').summary).toMatchObject({ keptRows: 0, blankLines: 0 });
  });
});

describe('scaledAt', () => {
  it('agrees with parseDecimal on every decimal it takes', () => {
    const text = fc.tuple(
      fc.constantFrom('', '-'),
      fc.bigInt({ min: 0n, max: 10n ** 10n }),
      fc.stringMatching(/^(\.\d{0,9})?$/),
    );
    fc.assert(
      fc.property(text, ([sign, whole, fraction]) => {
        const bytes = encoder.encode(`${sign}${whole}${fraction}`);
        const scaled = scaledAt(bytes, 0, bytes.length);
        if (!Number.isNaN(scaled)) expect(BigInt(scaled)).toBe(parseDecimal(`${sign}${whole}${fraction}`));
      }),
    );
  });

  it('takes usual prices itself', () => {
    for (const text of ['36.667', '0.0', '5', '.5', '7.', '-1.25', '50000000']) {
      const bytes = encoder.encode(text);
      expect(BigInt(scaledAt(bytes, 0, bytes.length))).toBe(parseDecimal(text));
    }
  });
});

function trades(text: string) {
  return read(encoder.encode(text));
}

function read(bytes: Uint8Array, window = bytes.length, receiveTimeUs = RECEIVED_US) {
  const rows = new TradeRows(1_000);
  const file = { source: 'asx:trades/7.csv', companyId: '7', recordType: 'trades' } as const;
  const parser = new TradeFileParser(file, SYMBOLS, new SydneyCalendar(), rows);
  const rejections = [];
  for (let at = 0, end = 0; at < bytes.length;) {
    end = Math.min(bytes.length, end + window);
    at += parser.parse(bytes.subarray(at, end), 0, end === bytes.length, receiveTimeUs);
    rejections.push(...parser.takeRejections());
  }
  return { batch: (rows.take()?.batch ?? null) as TradeBatch | null, rejections, summary: parser.summary() };
}

function quotes(text: string) {
  const rows = new QuoteRows(1_000);
  const file = { source: 'asx:quotes/7.csv', companyId: '7', recordType: 'quotes' } as const;
  const parser = new QuoteFileParser(file, SYMBOLS, new SydneyCalendar(), rows);
  parser.parse(encoder.encode(text), 0, true, RECEIVED_US);
  return { batch: (rows.take()?.batch ?? null) as QuoteBatch | null, rejections: parser.takeRejections() };
}
