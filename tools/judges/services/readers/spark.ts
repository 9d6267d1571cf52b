import { sparkCatalogSql, type IcebergCatalog } from '../../../testbed/sql/iceberg-catalogs.ts';
import { sparkQuery } from '../../../testbed/sql/spark-client.ts';
import { readEach, type Reader } from './reader.ts';
import { factsBySql, type Dialect } from './sql.ts';

export async function openSpark(url: string, catalog: IcebergCatalog): Promise<Reader> {
  for (const statement of sparkCatalogSql(catalog)) await sparkQuery(url, statement);
  const dialect: Dialect = {
    from: ({ table, snapshotId }) =>
      `${catalog.name}.${table}${snapshotId === null ? '' : ` VERSION AS OF ${snapshotId}`}`,
    microseconds: (expression) => `unix_micros(${expression})`,
    timestampLiteral: (timeUs) => `timestamp_micros(${timeUs})`,
    text: (expression) => `CAST(${expression} AS string)`,
    identifier: (name) => `\`${name}\``,
  };
  return {
    name: 'spark',
    // It tells in its user interface only how many files a scan has read.
    read: (questions) =>
      readEach(questions, async (question) => ({
        facts: await factsBySql(question, dialect, (sql) => sparkQuery(url, sql)),
        pruning: null,
      })),
  };
}
