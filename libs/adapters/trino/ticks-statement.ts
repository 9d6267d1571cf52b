import { PortError, type Question, type ScanPlan } from '@k2/ports';
import { afterConditions, filterConditions, limitSql, orderSql, TICK_ORDER, whereSql } from './filter-sql.ts';
import { MESSAGE_ID, plannedTable, type TableNames } from './planned-table.ts';
import { quoteName } from './sql-text.ts';
import { readColumn, type AnswerPart, type Statement } from './statement.ts';

/** What message ids are made of. They are made here: in SQL they would be sent beside what they are made of. */
const MESSAGE_ID_PARTS = ['exchange', 'symbol', 'session', 'source_sequence'] as const;

export function ticksStatement(
  question: Extract<Question, { kind: 'ticks' }>,
  plan: ScanPlan,
  names: TableNames,
): Statement {
  const known = [...plan.fields.map(({ name }) => name), MESSAGE_ID];
  const fields = question.fields ?? known;
  const unknown = fields.filter((name) => !known.includes(name));
  if (fields.length === 0 || unknown.length > 0) {
    const asked = fields.length === 0 ? 'no field is asked for' : `no such field: ${unknown.join(', ')}`;
    throw new PortError('invalid-query', `${asked}; ${plan.table} has ${known.join(', ')}`, { fields });
  }
  const selected = fields.flatMap((name) => (name === MESSAGE_ID ? MESSAGE_ID_PARTS : [name]));
  const read = [...new Set(selected)].map((name) => {
    const field = plan.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new PortError('invalid-query', `${plan.table} has no ${name}`, { name });
    return readColumn(name, field.type);
  });
  const place = (name: string) => read.findIndex((column) => column.name === name);
  const parts = fields.map((name): AnswerPart =>
    name === MESSAGE_ID ? { kind: 'message-id', of: MESSAGE_ID_PARTS.map(place) } : { kind: 'read', at: place(name) },
  );
  const columns = parts.map((part) =>
    part.kind === 'read' ? read[part.at] : ({ name: MESSAGE_ID, type: 'string' } as const),
  );

  const descending = question.order === 'newest-first';
  const conditions = filterConditions(question.filter);
  if (question.after !== undefined) conditions.push(...afterConditions(question.after, descending));
  const limit = limitSql(question, rowsOf(plan));
  if (plan.files.length === 0) return { sql: null, read, columns, parts };
  const select = `SELECT ${read.map(({ name }) => quoteName(name)).join(', ')} FROM ${plannedTable(plan, names)}`;
  return { sql: `${select}${whereSql(conditions)}${orderSql(TICK_ORDER, descending)}${limit}`, read, columns, parts };
}

function rowsOf({ files }: ScanPlan): number {
  return files.reduce((rows, { rowCount }) => rows + rowCount, 0);
}
