import { trinoCatalogSql, type IcebergCatalog } from '../../../testbed/sql/iceberg-catalogs.ts';
import { trinoQuery } from '../../../testbed/sql/trino-client.ts';
import type { Pruning, Question } from '../facts.ts';
import { readEach, type Reader } from './reader.ts';
import { factsBySql, filterSql, type Dialect } from './sql.ts';

export async function openTrino(url: string, catalog: IcebergCatalog): Promise<Reader> {
  await trinoQuery(url, trinoCatalogSql(catalog));
  const ask = (sql: string) => trinoQuery(url, sql);
  const dialect: Dialect = {
    from: ({ table, snapshotId }) =>
      `${catalog.name}.${table}${snapshotId === null ? '' : ` FOR VERSION AS OF ${snapshotId}`}`,
    microseconds: (expression) => `CAST(${expression} AS varchar)`,
    timestampLiteral: (timeUs) => `from_unixtime(${timeUs / 1_000_000})`,
    text: (expression) => `CAST(${expression} AS varchar)`,
    identifier: (name) => `"${name}"`,
  };
  const pruning = async (question: Question, all: number): Promise<Pruning> => {
    const from = dialect.from(question);
    const plan = await ask(
      `EXPLAIN ANALYZE SELECT count(price_column) FROM (SELECT symbol AS price_column FROM ${from} WHERE ${filterSql(question, dialect)})`,
    );
    const read = /^ *Input: (\d+) rows? \(.*Splits: /m.exec(String(plan.rows[0][0]))?.[1];
    if (read === undefined) throw new Error(`Trino's plan does not say what was read:\n${String(plan.rows[0][0])}`);
    return { unit: 'rows', read: Number(read), all };
  };
  return {
    name: 'trino',
    read: (questions) =>
      readEach(questions, async (question) => {
        const facts = await factsBySql(question, dialect, ask);
        return { facts, pruning: await pruning(question, facts.rows) };
      }),
  };
}
