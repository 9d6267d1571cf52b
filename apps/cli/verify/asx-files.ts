import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RecordType } from '@k2/domain/market';
import { readAsxRow } from './asx-rows.ts';
import { AsxSymbols } from './asx-symbols.ts';
import { csvLines } from './csv-lines.ts';
import { Tallies } from './tally.ts';

const RECORD_TYPES: readonly RecordType[] = ['trades', 'quotes'];

export interface FileCount {
  /** `trades/7078.csv`. */
  readonly file: string;
  /** Lines that are not blank. */
  readonly lines: number;
  /** Of them, those that the quarantine holds. */
  readonly quarantined: number;
  /** Lines that are no row and that the quarantine does not hold; the first few of them. */
  readonly unaccounted: readonly number[];
  /** The other lines, by symbol and date. */
  readonly tallies: Tallies;
}

/** What was refused of one file, by line: the bytes in base64. */
export type RefusedLines = ReadonlyMap<number, ReadonlySet<string>>;

/**
 * Counts the files anew: every line is either in the quarantine, by file, line and bytes, or added to its symbol and
 * date.
 */
export async function recountFiles(
  directory: string,
  quarantine: ReadonlyMap<string, RefusedLines>,
): Promise<readonly FileCount[]> {
  const symbols = await AsxSymbols.read(join(directory, 'reference-data', 'company_info.csv'));
  const counts: FileCount[] = [];
  for (const recordType of RECORD_TYPES) {
    for (const name of csvNames(join(directory, recordType))) {
      const file = `${recordType}/${name}`;
      counts.push(await recountFile(directory, file, recordType, symbols, quarantine.get(file)));
    }
  }
  return counts;
}

const UNACCOUNTED_NAMED = 5;
/** Of a longer line the quarantine keeps only the start. */
const RAW_BYTES_MAX = 65_536;

async function recountFile(
  directory: string,
  file: string,
  recordType: RecordType,
  symbols: AsxSymbols,
  refused: RefusedLines = new Map(),
): Promise<FileCount> {
  const companyId = basename(file, '.csv');
  const tallies = new Tallies(recordType);
  const unaccounted: number[] = [];
  let lines = 0;
  let quarantined = 0;
  for await (const { number, text } of csvLines(join(directory, file))) {
    lines++;
    const raw = refused.get(number);
    if (raw !== undefined && raw.has(Buffer.from(text.slice(0, RAW_BYTES_MAX), 'latin1').toString('base64'))) {
      quarantined++;
      continue;
    }
    const row = readAsxRow(text, recordType);
    const symbol = row === null ? null : symbols.symbol(companyId, row.date);
    if (row === null || symbol === null) {
      if (unaccounted.length < UNACCOUNTED_NAMED) unaccounted.push(number);
      continue;
    }
    const { date, localTime, amounts } = row;
    tallies.add(symbol, date, { rows: 1, sums: [...amounts], first: localTime, last: localTime });
  }
  return { file, lines, quarantined, unaccounted, tallies };
}

function csvNames(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.csv'))
    .sort();
}
