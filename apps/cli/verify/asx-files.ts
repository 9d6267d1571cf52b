import { existsSync, lstatSync, readdirSync } from 'node:fs';
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

/** What was refused of one file, by line: the bytes in base64, and why. */
export type RefusedLines = ReadonlyMap<number, ReadonlyMap<string, string>>;

export interface FileRecount {
  readonly files: readonly FileCount[];
  /** What is beside them and was not read, so that nothing can be said of it: `trades/7078.csv.gz`. */
  readonly unread: readonly string[];
}

/**
 * Counts the files anew: every line is either in the quarantine, by file, line and bytes, or added to its symbol and
 * date. `untilTime` is the latest local time that a row of the table can have, as `2014-03-10 13:50:38.849`.
 */
export async function recountFiles(
  directory: string,
  quarantine: ReadonlyMap<string, RefusedLines>,
  untilTime: string,
): Promise<FileRecount> {
  const symbols = await AsxSymbols.read(join(directory, 'reference-data', 'company_info.csv'));
  const files: FileCount[] = [];
  const unread = namesIn(directory).filter(
    (name) => /^(trades|quotes)/i.test(name) && !RECORD_TYPES.some((type) => type === name),
  );
  for (const recordType of RECORD_TYPES) {
    for (const name of namesIn(join(directory, recordType))) {
      const file = `${recordType}/${name}`;
      if (name.endsWith('.csv') && lstatSync(join(directory, file)).isFile())
        files.push(
          await recountFile(directory, file, recordType, { symbols, refused: quarantine.get(file), untilTime }),
        );
      else unread.push(file);
    }
  }
  return { files, unread };
}

/** Refused for something outside of the file, so that the same line is a row once that is put right. */
const MENDABLE: ReadonlySet<string> = new Set(['unknown-symbol', 'time-out-of-range']);
const UNACCOUNTED_NAMED = 5;
/** Of a longer line the quarantine keeps only the start. */
const RAW_BYTES_MAX = 65_536;

interface Known {
  readonly symbols: AsxSymbols;
  readonly refused: RefusedLines | undefined;
  readonly untilTime: string;
}

async function recountFile(
  directory: string,
  file: string,
  recordType: RecordType,
  { symbols, refused, untilTime }: Known,
): Promise<FileCount> {
  const companyId = basename(file, '.csv');
  const tallies = new Tallies(recordType);
  const unaccounted: number[] = [];
  let lines = 0;
  let quarantined = 0;
  for await (const { number, text } of csvLines(join(directory, file))) {
    lines++;
    const reason = refused?.get(number)?.get(Buffer.from(text.slice(0, RAW_BYTES_MAX), 'latin1').toString('base64'));
    const row = readAsxRow(text, recordType);
    const symbol = row === null ? null : symbols.symbol(companyId, row.date);
    const isRow = row !== null && symbol !== null && row.localTime <= untilTime;
    if (reason !== undefined && !(isRow && MENDABLE.has(reason))) {
      quarantined++;
      continue;
    }
    if (row === null || symbol === null) {
      if (unaccounted.length < UNACCOUNTED_NAMED) unaccounted.push(number);
      continue;
    }
    const { date, localTime, amounts } = row;
    tallies.add(symbol, date, { rows: 1, sums: [...amounts], first: localTime, last: localTime });
  }
  return { file, lines, quarantined, unaccounted, tallies };
}

/** Names that are not hidden, in order. */
function namesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .sort();
}
