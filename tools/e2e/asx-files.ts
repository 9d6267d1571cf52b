import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratchDirectory } from './scenario.ts';

/**
 * Two invented companies: ten rows of trades and quotes, of which three cannot be read. A name in quotes and a price
 * without a digit before its point are as good as any.
 */
const FILES = {
  'reference-data/company_info.csv': [
    'company_id,symbol,company_name,ISIN,start_date,end_date',
    '9001,ZZA,"ZEBRA, ANT AND CO",AU000000ZZA1,01/01/2010,',
    '9002,QQQ,QUOKKA LTD,AU000000QQQ1,01/01/2010,12/31/2030',
  ],
  'trades/9001.csv': [
    '03/10/2014,10:01:21.644,5,5875,XT,,',
    '03/10/2014,10:01:54.287,5.01,2570,0,,',
    '03/10/2014,quarter past,5.02,2570,0,,',
    '03/10/2014,10:02:30.000,.5,100,0,,',
    '03/11/2014,10:02:55.012,5.015,4580,2,X,77',
    '03/11/2014,10:03:55.012,5.02',
  ],
  'trades/9002.csv': ['03/10/2014,11:00:00.000,0.005,1000000,0,,'],
  'quotes/9001.csv': [
    '03/10/2014,08:20:50.122,5.0,5.01,134,329',
    '03/10/2014,08:21:50.122,five,5.01,134,329',
    '03/10/2014,08:22:50.122,5.0,0.0,10,0',
  ],
} as const;

export const INVENTED = {
  rows: 10,
  kept: { trades: 5, quotes: 2 },
  refusedAt: ['asx:quotes/9001.csv:2', 'asx:trades/9001.csv:3', 'asx:trades/9001.csv:6'],
} as const;

/** A directory as `k2 load asx` takes it. */
export function inventedAsxFiles(): string {
  const directory = scratchDirectory();
  for (const [name, lines] of Object.entries(FILES)) {
    mkdirSync(join(directory, dirname(name)), { recursive: true });
    writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
  }
  return directory;
}

/** Changes a text that must be in the file. */
export function tamper(directory: string, name: keyof typeof FILES, from: string, to: string): void {
  const path = join(directory, name);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${name} has no ${from} to tamper with`);
  writeFileSync(path, text.replace(from, to));
}
