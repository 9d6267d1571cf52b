import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RecordType } from '@k2/domain/market';
import { readAsxRow } from './asx-rows.ts';
import { AsxSymbols } from './asx-symbols.ts';
import { csvLines } from './csv-lines.ts';
import { Tallies } from './tally.ts';

const RECORD_TYPES: readonly RecordType[] = ['trades', 'quotes'];

export interface FileCount {
  readonly recordType: RecordType;
  /** `trades/7078.csv`. */
  readonly file: string;
  /** Lines that are not blank. */
  readonly lines: number;
  /** Of them, those that the quarantine holds. */
  readonly quarantined: number;
  /** Lines that the quarantine holds and the file has not, or not any more. */
  readonly strangers: number;
  /** Lines that are no row and that the quarantine does not hold; the first few of them. */
  readonly unaccounted: readonly number[];
}

export interface Recount {
  readonly tallies: Readonly<Record<RecordType, Tallies>>;
  readonly files: readonly FileCount[];
}

/**
 * Counts the files anew: every line is either in the quarantine, by file and line, or added to its symbol and date.
 * `quarantined` holds line numbers by file.
 */
export async function recountFiles(
  directory: string,
  quarantined: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<Recount> {
  const symbols = await AsxSymbols.read(join(directory, 'reference-data', 'company_info.csv'));
  const tallies = { trades: new Tallies('trades'), quotes: new Tallies('quotes') };
  const files: FileCount[] = [];
  for (const recordType of RECORD_TYPES) {
    for (const name of csvNames(join(directory, recordType))) {
      const file = `${recordType}/${name}`;
      files.push(await recountFile(directory, file, tallies[recordType], symbols, quarantined.get(file) ?? new Set()));
    }
  }
  return { tallies, files };
}

const UNACCOUNTED_NAMED = 5;

async function recountFile(
  directory: string,
  file: string,
  tallies: Tallies,
  symbols: AsxSymbols,
  refused: ReadonlySet<number>,
): Promise<FileCount> {
  const { recordType } = tallies;
  const companyId = basename(file, '.csv');
  const unaccounted: number[] = [];
  let lines = 0;
  let quarantined = 0;
  for await (const { number, text } of csvLines(join(directory, file))) {
    lines++;
    if (refused.has(number)) {
      quarantined++;
      continue;
    }
    const row = readAsxRow(number === 1 ? text.replace(/^\uFEFF/, '') : text, recordType);
    const symbol = row === null ? null : symbols.symbol(companyId, row.date);
    if (row === null || symbol === null) {
      if (unaccounted.length < UNACCOUNTED_NAMED) unaccounted.push(number);
      continue;
    }
    const { date, localTime, amounts } = row;
    tallies.add(symbol, date, { rows: 1, sums: [...amounts], first: localTime, last: localTime });
  }
  return { recordType, file, lines, quarantined, strangers: refused.size - quarantined, unaccounted };
}

function csvNames(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.csv'))
    .sort();
}
