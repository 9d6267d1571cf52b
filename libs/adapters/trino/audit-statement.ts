import { auditOrder, AUDIT_SHAPES, PortError, type Question, type ScanPlan } from '@k2/ports';
import { filterConditions, limitSql, orderSql, whereSql } from './filter-sql.ts';
import { plannedTable, type TableNames } from './planned-table.ts';
import { quoteName, quoteText, timeSql } from './sql-text.ts';
import { plainStatement, readColumn, type Statement } from './statement.ts';

export function auditStatement(
  question: Extract<Question, { kind: 'audit' }>,
  plans: readonly ScanPlan[],
  names: TableNames,
): Statement {
  const audits = plans.filter(({ table }) => AUDIT_SHAPES[table] !== undefined);
  const plan = audits[0];
  if (plan === undefined || audits.length > 1) {
    throw new PortError('invalid-query', `${audits.length} audit tables are planned: an audit question is over one`);
  }
  const shape = AUDIT_SHAPES[plan.table]!;
  const { from, to, hasSymbol } = shape;
  const { recordType, fromUs, toUs, ...filter } = question.filter;
  if (filter.symbols !== undefined && !hasSymbol) {
    throw new PortError('invalid-query', `${plan.table} has no symbol: leave symbols out of the filter`);
  }
  const conditions = filterConditions(filter);
  if (recordType !== undefined) conditions.push(`record_type = ${quoteText(recordType)}`);
  if (fromUs !== undefined) conditions.push(`${quoteName(to)} >= ${timeSql(fromUs)}`);
  if (toUs !== undefined) conditions.push(`${quoteName(from)} < ${timeSql(toUs)}`);
  const read = plan.fields.map(({ name, type }) => readColumn(name, type));
  const limit = limitSql(
    question,
    plan.files.reduce((rows, file) => rows + file.rowCount, 0),
  );
  if (plan.files.length === 0) return plainStatement(null, read);
  const select = `SELECT ${read.map(({ name }) => quoteName(name)).join(', ')} FROM ${plannedTable(plan, names)}`;
  return plainStatement(
    `${select}${whereSql(conditions)}${orderSql(auditOrder(shape, question.filter))}${limit}`,
    read,
  );
}
