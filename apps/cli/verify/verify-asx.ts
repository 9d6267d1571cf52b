import { printTimeUs, US_PER_DAY, type RecordType } from '@k2/domain/market';
import type { K2Session } from '../session/session.ts';
import { recountFiles, type FileCount } from './asx-files.ts';
import { AMOUNTS, printAmount } from './asx-rows.ts';
import { lakeTallies, quarantinedLines, refusedTallies, sydneyTime } from './lake-tallies.ts';
import { newestInstant } from './lake-instant.ts';
import { Tallies, type Tally } from './tally.ts';

/** One thing counted in the files and in the lake. */
export interface Comparison {
  readonly type: RecordType;
  /** A symbol, or a file. */
  readonly of: string;
  readonly measure: string;
  readonly files: string;
  readonly lake: string;
  readonly ok: boolean;
  /** Where they differ, as far as that is known. */
  readonly where?: string;
}

const RECORD_TYPES: readonly RecordType[] = ['trades', 'quotes'];

/**
 * Recounts the files by a reader of their own and compares with SQL over the lake: lines, rows, exact sums, first and
 * last local time. Lines that the quarantine holds are expected there and nowhere else. The lake is read as it was at one
 * instant, whatever is committed meanwhile.
 */
export async function verifyAsx(
  session: Pick<K2Session, 'query' | 'snapshots'>,
  directory: string,
): Promise<readonly Comparison[]> {
  const lake = await newestInstant(session);
  const untilTime = sydneyTime(printTimeUs((lake.committedUs ?? 0) + US_PER_DAY));
  const { files, unread } = await recountFiles(directory, await quarantinedLines(lake), untilTime);
  const comparisons: Comparison[] = unread.map(notRead);
  for (const type of RECORD_TYPES) {
    const ofType = files.filter(({ tallies }) => tallies.recordType === type);
    const found = await lakeTallies(lake, type);
    const refused = await refusedTallies(lake, type);
    const expected = new Tallies(type);
    for (const file of ofType) {
      expected.addAll(file.tallies);
      comparisons.push(compareLines(file, found, refused));
    }
    found.addAll(refused);
    for (const symbol of expected.symbols) comparisons.push(...compareSymbol(symbol, expected, found));
  }
  return comparisons;
}

function notRead(name: string): Comparison {
  const type = /^trades/i.test(name) ? 'trades' : 'quotes';
  const where = 'expected <company id>.csv in trades/ or quotes/';
  return { type, of: name, measure: 'content', files: 'not read', lake: '-', ok: false, where };
}

/** Every line is a row of the table or in the quarantine, as a line or as a tick. */
function compareLines(
  { file, lines, quarantined, unaccounted, tallies }: FileCount,
  lake: Tallies,
  refused: Tallies,
): Comparison {
  const rowsOf = (of: Tallies) =>
    tallies.symbols.reduce((sum, symbol) => sum + of.total(symbol, tallies.dates(symbol)).rows, 0);
  const inTable = rowsOf(lake);
  const inQuarantine = quarantined + rowsOf(refused);
  const where = `neither a row nor in the quarantine: line ${unaccounted.join(', ')}`;
  return {
    type: tallies.recordType,
    of: file,
    measure: 'lines',
    files: String(lines),
    lake: `${inTable} + ${inQuarantine} quarantined`,
    ok: inTable + inQuarantine === lines,
    ...(unaccounted.length > 0 && { where }),
  };
}

function compareSymbol(symbol: string, files: Tallies, lake: Tallies): readonly Comparison[] {
  const type = files.recordType;
  const dates = files.dates(symbol);
  const expected = measures(type, files.total(symbol, dates));
  const found = measures(type, lake.total(symbol, dates));
  return [...expected].map(([measure, value]): Comparison => {
    const differing = dates.filter((date) => {
      const ofDate = (tallies: Tallies) => measures(type, tallies.of(symbol, date)).get(measure);
      return ofDate(files) !== ofDate(lake);
    });
    const ok = differing.length === 0;
    const where = `on ${differing.slice(0, 3).join(', ')}${differing.length > 3 ? `, … ${differing.length} dates` : ''}`;
    return { type, of: symbol, measure, files: value, lake: found.get(measure)!, ok, ...(!ok && { where }) };
  });
}

function measures(type: RecordType, { rows, sums, first, last }: Tally): ReadonlyMap<string, string> {
  return new Map([
    ['rows', String(rows)],
    ...AMOUNTS[type].map((column, at): [string, string] => [`sum of ${column}`, printAmount(sums[at]!)]),
    ['first local time', first ?? '-'],
    ['last local time', last ?? '-'],
  ]);
}
