import { describe, expect, it } from '@jest/globals';
import { CompanySymbols } from './company-symbols.ts';

const HEADER = 'company_id,symbol,start_date,end_date\n';
const DAY = 16_000;
const parse = (text: string | Buffer) => CompanySymbols.parse(Buffer.from(text), new Set(['1']));
const symbol = (row: string) => parse(`${HEADER}${row}\n`).symbol('1', DAY);

describe('the symbol of a company', () => {
  it.each([
    ['1,ÅÄ,01/01/2000,', 'ÅÄ'],
    ['1,BRK B,01/01/2000,', 'BRK B'],
    ['1,"ABC  ",01/01/2000,', 'ABC'],
    ['"1", ABC,01/01/2000,"12/31/2030"', 'ABC'],
  ])('in %j', (row, expected) => expect(symbol(row)).toBe(expected));

  it('is found behind an empty first field, and beside a name in another encoding', () => {
    const columns = 'isin,company_id,symbol,start_date,end_date,company_name\n';
    expect(parse(`${columns},1,AAA,01/01/2000,,\n`).symbol('1', DAY)).toBe('AAA');
    const name = Buffer.from(`${columns}X,1,AAA,01/01/2000,,Caf\u00e9\n`, 'latin1');
    expect(parse(name).symbol('1', DAY)).toBe('AAA');
  });

  it.each([
    [
      '1,"a,b",01/01/2000,',
      /line 2: the symbol of company 1 is "a,b": expected 1 to 64 printable characters without a comma/,
    ],
    ['1,a\tb,01/01/2000,', /the symbol of company 1 is "a\\tb": expected/],
    [`1,${'L'.repeat(65)},01/01/2000,`, /is "L{65}": expected 1 to 64/],
    ['1,"  ",01/01/2000,', /company 1 has no symbol/],
  ])('that no question could name is refused: %j', (row, message) => expect(() => symbol(row)).toThrow(message));

  it('that is not UTF-8 is refused, and not turned into another', () => {
    const bytes = Buffer.from(`${HEADER}1,\u00c5\u00c4,01/01/2000,\n`, 'latin1');
    expect(() => parse(bytes)).toThrow('line 2: the symbol of company 1 is not UTF-8');
  });

  it('of a company that is not loaded may be anything', () => {
    expect(symbol('2,"a,b",x,y\n1,AAA,01/01/2000,')).toBe('AAA');
  });
});
