import { messageId, utf8At } from '@k2/domain/market';
import type { AnswerBatch, AnswerColumn, AnswerValues } from '@k2/ports';
import { MESSAGE_ID } from './scan-sql.ts';
import { utf8Values } from './string-columns.ts';

/** In a layout: the place of `message_id`, which is not read. */
export const MADE_MESSAGE_ID = -1;

/** What message ids are made of; a statement whose layout makes them selects these too. */
export const MESSAGE_ID_PARTS = ['exchange', 'symbol', 'session', 'source_sequence'] as const;

/** Columns of an answer as places among the columns read, or MADE_MESSAGE_ID; columns without a place are left out. */
export type AnswerLayout = readonly number[];

export function laidOutColumns(read: readonly AnswerColumn[], layout: AnswerLayout): readonly AnswerColumn[] {
  return layout.map((at) => (at === MADE_MESSAGE_ID ? { name: MESSAGE_ID, type: 'string' } : read[at]));
}

/** Message ids are made here and not in SQL: made of dictionaries they cost a tenth of what the six `replace` a row do. */
export function laidOutBatch(read: AnswerBatch, names: readonly string[], layout: AnswerLayout): AnswerBatch {
  const made = layout.includes(MADE_MESSAGE_ID) ? messageIds(read, names) : null;
  return {
    rowCount: read.rowCount,
    columns: layout.map((at) => (at === MADE_MESSAGE_ID ? made! : read.columns[at])),
    nulls: layout.map((at) => (at === MADE_MESSAGE_ID ? null : read.nulls[at])),
  };
}

function messageIds({ rowCount, columns }: AnswerBatch, names: readonly string[]): AnswerValues {
  const [exchangeOf, symbolOf, sessionOf, sequence] = MESSAGE_ID_PARTS.map((name) => columns[names.indexOf(name)]);
  const [exchange, symbol, session] = [exchangeOf, symbolOf, sessionOf].map(textOf);
  if (sequence.kind !== 'integer') throw new Error(`source_sequence is ${sequence.kind}: expected integers`);
  const texts = new Array<string>(rowCount);
  let series = { exchange: '', symbol: '', session: '' };
  let prefix: string | null = null;
  for (let row = 0; row < rowCount; row++) {
    const ofRow = { exchange: exchange(row), symbol: symbol(row), session: session(row) };
    if (
      prefix === null ||
      ofRow.exchange !== series.exchange ||
      ofRow.symbol !== series.symbol ||
      ofRow.session !== series.session
    ) {
      series = ofRow;
      prefix = messageId(series, 0).slice(0, -1);
    }
    texts[row] = prefix + sequence.values[row];
  }
  return utf8Values(texts);
}

function textOf(column: AnswerValues): (row: number) => string {
  if (column.kind === 'utf8') return (row) => utf8At(column.values, row) ?? '';
  if (column.kind === 'dictionary') return (row) => String(column.dictionary[column.codes[row]]);
  throw new Error(`a part of the message id is ${column.kind}: expected text`);
}
