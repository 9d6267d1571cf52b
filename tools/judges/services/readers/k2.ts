import type { Platform } from '@k2/composition';
import { answerValue } from '@k2/usecases';
import type { SqlRows } from '../../../testbed/sql/sql-rows.ts';
import type { Question } from '../facts.ts';
import { readEach, type Reader } from './reader.ts';
import { factsBySql, type Dialect } from './sql.ts';

/** K2 itself: it must go on reading what other engines have rewritten. */
export function openK2(lake: { readonly platform: Pick<Platform, 'ports'> }): Reader {
  // Of its present life: it is started anew in between.
  const store = () => lake.platform.ports.store;
  const dialect: Dialect = {
    from: ({ table }) => table,
    microseconds: (expression) => `epoch_us(${expression})`,
    timestampLiteral: (timeUs) => `make_timestamptz(${timeUs})`,
    text: (expression) => `CAST(${expression} AS varchar)`,
    identifier: (name) => `"${name}"`,
  };
  const asOf = ({ snapshotId }: Question) =>
    snapshotId === null ? ({ kind: 'latest' } as const) : ({ kind: 'snapshot', snapshotId } as const);
  const ask = async (question: Question, sql: string): Promise<SqlRows> => {
    const plan = await store().plan({ table: question.table, asOf: asOf(question) });
    const answer = await lake.platform.ports.engine.ask({ kind: 'sql', sql, limit: 100_000 }, [plan], {
      timeoutMs: 60_000,
    });
    const rows: unknown[][] = [];
    for await (const batch of answer.batches) {
      for (let row = 0; row < batch.rowCount; row++)
        rows.push(answer.columns.map((column, at) => answerValue(column, batch, at, row)));
    }
    return { columns: answer.columns.map(({ name }) => name), rows };
  };
  return {
    name: 'k2',
    read: (questions) =>
      readEach(questions, async (question) => {
        const { exchange, symbol, fromUs } = question.filter;
        const filter = { exchange, symbols: [symbol], fromUs };
        const { files, filesTotal } = await store().plan({ table: question.table, asOf: asOf(question), ...filter });
        const facts = await factsBySql(question, dialect, (sql) => ask(question, sql));
        return { facts, pruning: { unit: 'files', read: files.length, all: filesTotal } };
      }),
  };
}
