import type { AnswerColumn, Question } from '@k2/ports';
import type { CellValue } from './memory-column-values.ts';
import type { AnswerTable } from './memory-query-answer.ts';
import { tickPlans, type PlannedFiles } from './memory-query-plans.ts';
import { compareText, matchingRows, seriesTexts } from './memory-query-rows.ts';

export type SymbolsQuestion = Extract<Question, { readonly kind: 'symbols' }>;

interface Tally {
  /** Exchange, symbol, asset class, currency, record type. */
  readonly key: readonly string[];
  count: number;
  firstUs: number;
  lastUs: number;
}

const COLUMNS: readonly (readonly [AnswerColumn, (tally: Tally) => CellValue])[] = [
  [{ name: 'exchange', type: 'string' }, ({ key }) => key[0]],
  [{ name: 'symbol', type: 'string' }, ({ key }) => key[1]],
  [{ name: 'asset_class', type: 'string' }, ({ key }) => key[2]],
  [{ name: 'currency', type: 'string' }, ({ key }) => key[3]],
  [{ name: 'record_type', type: 'string' }, ({ key }) => key[4]],
  [{ name: 'tick_count', type: 'integer' }, (tally) => tally.count],
  [{ name: 'first_timestamp', type: 'timestamp' }, (tally) => tally.firstUs],
  [{ name: 'last_timestamp', type: 'timestamp' }, (tally) => tally.lastUs],
];

/** One row for each distinct exchange, symbol, asset class, currency and record type, in the order of these. */
export function symbolsAnswer(
  { filter, limit }: SymbolsQuestion,
  planned: readonly PlannedFiles[],
  check: () => void,
): AnswerTable {
  const tallies = new Map<string, Tally>();
  for (const { plan, files } of tickPlans(planned)) {
    const recordType = plan.table === 'market_data.trades' ? 'trades' : 'quotes';
    const { positions, fileOf, at } = matchingRows(files, filter, check);
    const tallyOf = files.map((file, index) => {
      const { exchanges, symbols } = positions[index];
      const assetClasses = seriesTexts(file, 'asset_class');
      const currencies = seriesTexts(file, 'currency');
      const known: (Tally | undefined)[] = [];
      return (code: number): Tally =>
        (known[code] ??= tallyFor(tallies, [
          exchanges[code],
          symbols[code],
          assetClasses[code],
          currencies[code],
          recordType,
        ]));
    });
    for (let index = 0; index < at.length; index++) {
      const { seriesCodes, timesUs } = positions[fileOf[index]];
      add(tallyOf[fileOf[index]](seriesCodes[at[index]]), timesUs[at[index]]);
    }
  }
  const sorted = [...tallies.values()].sort((a, b) => compareKeys(a.key, b.key));
  return {
    columns: COLUMNS.map(([column]) => column),
    rowCount: Math.min(sorted.length, limit),
    cell: (row, column) => COLUMNS[column][1](sorted[row]),
  };
}

function tallyFor(tallies: Map<string, Tally>, key: readonly string[]): Tally {
  const name = JSON.stringify(key);
  const tally = tallies.get(name) ?? { key, count: 0, firstUs: Infinity, lastUs: -Infinity };
  tallies.set(name, tally);
  return tally;
}

function add(tally: Tally, timeUs: number): void {
  tally.count++;
  tally.firstUs = Math.min(tally.firstUs, timeUs);
  tally.lastUs = Math.max(tally.lastUs, timeUs);
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (let part = 0; part < a.length; part++) {
    const order = compareText(a[part], b[part]);
    if (order !== 0) return order;
  }
  return 0;
}
