import type { RecordType } from '@k2/domain/market';
import { auditOrder, AUDIT_SHAPES, type TickPosition } from '@k2/ports';
import { barsStatement } from './bars-sql.ts';
import type { LocalScan } from './engine-messages.ts';
import { MADE_MESSAGE_ID, MESSAGE_ID_PARTS } from './message-ids.ts';
import { QuestionError } from './question-error.ts';
import { columnSql, isTickTable, MESSAGE_ID, quoteName, scanColumns, scanRelation } from './scan-sql.ts';
import {
  filterConditions,
  limit,
  Parameters,
  scanOf,
  TICK_ORDER,
  where,
  type QuestionOf,
  type Statement,
  type TypedQuestion,
} from './statement.ts';

/**
 * The SQL of a typed question over its scans; `isExport` where DuckDB writes the answer itself, and no layout can be
 * applied. Throws QuestionError `invalid-query`.
 */
export function questionStatement(question: TypedQuestion, scans: readonly LocalScan[], isExport: boolean): Statement {
  switch (question.kind) {
    case 'ticks':
      return ticksStatement(question, scanOf(scans, `market_data.${question.recordType}`), isExport);
    case 'bars':
      return barsStatement(question, scanOf(scans, 'market_data.trades'));
    case 'symbols':
      return symbolsStatement(question, scans);
    case 'audit':
      return auditStatement(question, scans);
  }
}

function ticksStatement(question: QuestionOf<'ticks'>, scan: LocalScan, isExport: boolean): Statement {
  const known = scanColumns(scan);
  const fields = question.fields ?? known;
  const unknown = fields.filter((name) => !known.includes(name));
  if (fields.length === 0 || unknown.length > 0) {
    const asked = fields.length === 0 ? 'no field is asked for' : `no such field: ${unknown.join(', ')}`;
    throw new QuestionError('invalid-query', `${asked}; ${scan.table} has ${known.join(', ')}`);
  }
  const parameters = new Parameters();
  const descending = question.order === 'newest-first';
  const conditions = filterConditions(question.filter, parameters);
  if (question.after !== undefined) conditions.push(...afterConditions(question.after, descending, parameters));
  const order = TICK_ORDER.map((name) => `${quoteName(name)}${descending ? ' DESC' : ''}`).join(', ');
  const hasMessageId = fields.includes(MESSAGE_ID);
  const read = [...new Set([...fields, ...(hasMessageId ? MESSAGE_ID_PARTS : [])])].filter(
    (name) => name !== MESSAGE_ID,
  );
  const select = `SELECT ${read.map(quoteName).join(', ')} FROM ${scanRelation(scan, [...read, ...TICK_ORDER])}`;
  const rows = parameters.statement(`${select}${where(conditions)} ORDER BY ${order} LIMIT ${limit(question)}`);
  if (!hasMessageId) return rows;
  // Outside the limit: nothing is made of rows that are not answered.
  if (isExport) return { ...rows, sql: `SELECT ${fields.map(columnSql).join(', ')} FROM (${rows.sql})` };
  return { ...rows, layout: fields.map((name) => (name === MESSAGE_ID ? MADE_MESSAGE_ID : read.indexOf(name))) };
}

/** Lexicographic `>` on the order of ticks. The first conjunct alone is what the scan can prune by. */
function afterConditions(after: TickPosition, descending: boolean, parameters: Parameters): string[] {
  const beyond = descending ? '<' : '>';
  const values = [
    parameters.time(after.eventTimeUs),
    parameters.text(after.exchange),
    parameters.text(after.symbol),
    parameters.text(after.session),
    parameters.integer(after.venueSequence),
  ];
  const lexicographic = TICK_ORDER.reduceRight((rest, name, i) => {
    const column = quoteName(name);
    const isBeyond = `${column} ${beyond} ${values[i]}`;
    return rest === '' ? isBeyond : `(${isBeyond} OR (${column} = ${values[i]} AND ${rest}))`;
  }, '');
  return [`"timestamp" ${beyond}= ${values[0]}`, lexicographic];
}

function symbolsStatement(question: QuestionOf<'symbols'>, scans: readonly LocalScan[]): Statement {
  const ticks = scans.filter(({ table }) => isTickTable(table));
  if (ticks.length === 0)
    throw new QuestionError('invalid-query', 'no scan of market_data.trades or market_data.quotes is planned');
  const parameters = new Parameters();
  const instrument = 'exchange, symbol, asset_class, currency';
  const conditions = where(filterConditions(question.filter, parameters));
  const perTable = ticks.map((scan) => {
    return `SELECT ${instrument}, '${scan.table.slice('market_data.'.length)}' AS record_type, count(*) AS tick_count,
      min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp
      FROM ${scanRelation(scan, ['exchange', 'symbol', 'asset_class', 'currency', 'timestamp'])}${conditions} GROUP BY ${instrument}`;
  });
  return parameters.statement(
    `SELECT * FROM (${perTable.join(' UNION ALL ')}) ORDER BY ${instrument}, record_type LIMIT ${limit(question)}`,
  );
}

function auditStatement(question: QuestionOf<'audit'>, scans: readonly LocalScan[]): Statement {
  const audits = scans.filter(({ table }) => AUDIT_SHAPES[table] !== undefined);
  const scan = audits[0];
  if (scan === undefined || audits.length > 1) {
    throw new QuestionError(
      'invalid-query',
      `${audits.length} audit tables are planned: an audit question is over one`,
    );
  }
  const shape = AUDIT_SHAPES[scan.table]!;
  const { from, to, hasSymbol } = shape;
  const { recordType, fromUs, toUs, ...filter } = question.filter;
  if (filter.symbols !== undefined && !hasSymbol) {
    throw new QuestionError('invalid-query', `${scan.table} has no symbol: leave symbols out of the filter`);
  }
  const parameters = new Parameters();
  const conditions = filterConditions(filter, parameters);
  if (recordType !== undefined) conditions.push(`record_type = ${parameters.text(recordType satisfies RecordType)}`);
  if (fromUs !== undefined) conditions.push(`${quoteName(to)} >= ${parameters.time(fromUs)}`);
  if (toUs !== undefined) conditions.push(`${quoteName(from)} < ${parameters.time(toUs)}`);
  const columns = scanColumns(scan).map(quoteName).join(', ');
  const order = auditOrder(shape, question.filter);
  return parameters.statement(
    `SELECT ${columns} FROM ${scanRelation(scan)}${where(conditions)} ORDER BY ${order.map(quoteName).join(', ')} LIMIT ${limit(question)}`,
  );
}
