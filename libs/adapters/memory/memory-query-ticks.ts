import { messageId } from '@k2/domain/market';
import { PortError, type QueryEngineErrorKind, type Question, type ScanField } from '@k2/ports';
import { cellAt } from './memory-column-values.ts';
import { answerColumn, type AnswerTable } from './memory-query-answer.ts';
import type { PlannedFiles } from './memory-query-plans.ts';
import { comparePosition, inTickOrder, matchingRows, type MatchingRows } from './memory-query-rows.ts';

export type TicksQuestion = Extract<Question, { readonly kind: 'ticks' }>;

const MESSAGE_ID = 'message_id';

export function ticksAnswer(question: TicksQuestion, { plan, files }: PlannedFiles, check: () => void): AnswerTable {
  const { fields = [...plan.fields.map(({ name }) => name), MESSAGE_ID], limit } = question;
  if (fields.length === 0)
    throw new PortError('invalid-query', 'no field is asked for: name one, or leave fields out for all');
  const outputs = fields.map((name) => outputField(name, plan.fields));
  const rows = matchingRows(files, question.filter, check);
  const order = inOrder(question, rows);
  check();
  return {
    columns: outputs.map((field) =>
      field === MESSAGE_ID ? { name: MESSAGE_ID, type: 'string' } : answerColumn(field),
    ),
    rowCount: Math.min(order.length, limit),
    cell: (row, column) => {
      const index = order[row];
      const field = outputs[column];
      const file = rows.fileOf[index];
      return field === MESSAGE_ID ? messageIdAt(rows, index) : cellAt(files[file], field, rows.at[index]);
    },
  };
}

function outputField(name: string, fields: readonly ScanField[]): ScanField | typeof MESSAGE_ID {
  if (name === MESSAGE_ID) return MESSAGE_ID;
  const found = fields.find((field) => field.name === name);
  if (found !== undefined) return found;
  const known = fields.map((field) => field.name).join(', ');
  throw new PortError<QueryEngineErrorKind>(
    'invalid-query',
    `there is no field ${name}: expected ${MESSAGE_ID}, ${known}`,
    { field: name },
  );
}

function inOrder({ order, after }: TicksQuestion, rows: MatchingRows): Uint32Array {
  const direction = order === 'oldest-first' ? 1 : -1;
  const isAfter = (index: number) =>
    after === undefined || comparePosition(rows.positions[rows.fileOf[index]], rows.at[index], after) * direction > 0;
  const sorted = inTickOrder(rows, Uint32Array.from(rows.at.keys()).filter(isAfter));
  return direction === 1 ? sorted : sorted.reverse();
}

function messageIdAt({ positions, fileOf, at }: MatchingRows, index: number): string {
  const { seriesCodes, exchanges, symbols, sessions, sequences } = positions[fileOf[index]];
  const row = at[index];
  const code = seriesCodes[row];
  return messageId({ exchange: exchanges[code], symbol: symbols[code], session: sessions[code] }, sequences[row]);
}
