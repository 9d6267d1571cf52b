import { PortError, type Question, type ScanPlan } from '@k2/ports';
import { auditStatement } from './audit-statement.ts';
import { barsStatement } from './bars-statement.ts';
import { isTickTable, planOf, plannedTable, type TableNames } from './planned-table.ts';
import { plainStatement, type ReadColumn, type Statement } from './statement.ts';
import { filterConditions, limitSql, orderSql, whereSql } from './filter-sql.ts';
import { ticksStatement } from './ticks-statement.ts';

/** The SQL of a typed question over its plans. Throws `invalid-query` and `unsupported`. */
export function questionStatement(question: Question, plans: readonly ScanPlan[], names: TableNames): Statement {
  switch (question.kind) {
    case 'ticks':
      return ticksStatement(question, planOf(plans, `market_data.${question.recordType}`), names);
    case 'bars':
      return barsStatement(question, planOf(plans, 'market_data.trades'), names);
    case 'symbols':
      return symbolsStatement(question, plans, names);
    case 'audit':
      return auditStatement(question, plans, names);
    case 'sql': {
      const message =
        'the Trino engine answers typed questions only, as SQL could read more than is planned: ask Trino itself, or a server whose K2_ENGINE is duckdb';
      throw new PortError('unsupported', message);
    }
  }
}

const INSTRUMENT = ['exchange', 'symbol', 'asset_class', 'currency'] as const;

const SYMBOL_COLUMNS: readonly ReadColumn[] = [
  ...INSTRUMENT.map((name) => ({ name, type: 'string' }) as const),
  { name: 'record_type', type: 'string' },
  { name: 'tick_count', type: 'integer' },
  { name: 'first_timestamp', type: 'timestamp' },
  { name: 'last_timestamp', type: 'timestamp' },
];

function symbolsStatement(
  question: Extract<Question, { kind: 'symbols' }>,
  plans: readonly ScanPlan[],
  names: TableNames,
): Statement {
  const ticks = plans.filter(({ table }) => isTickTable(table));
  if (ticks.length === 0)
    throw new PortError('invalid-query', 'no scan of market_data.trades or market_data.quotes is planned');
  const conditions = whereSql(filterConditions(question.filter));
  const instrument = INSTRUMENT.join(', ');
  const perTable = ticks
    .filter(({ files }) => files.length > 0)
    .map((plan) => {
      return `SELECT ${instrument}, '${plan.table.slice('market_data.'.length)}' AS record_type, count(*) AS tick_count,
        min("timestamp") AS first_timestamp, max("timestamp") AS last_timestamp
        FROM ${plannedTable(plan, names)}${conditions} GROUP BY ${instrument}`;
    });
  const limit = limitSql(question);
  const sql = `SELECT * FROM (${perTable.join(' UNION ALL ')})${orderSql([...INSTRUMENT, 'record_type'])}${limit}`;
  return plainStatement(perTable.length === 0 ? null : sql, SYMBOL_COLUMNS);
}
