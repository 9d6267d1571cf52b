import { gapColumns, quarantineColumns, sessionColumns } from '@k2/domain/lake';
import { recordColumns, tickSchema, type ColumnBatch, type TableName } from '@k2/domain/market';
import type { PlannedRows } from '@k2/ports';

/** The rows of a commit by table, as columns; tables without rows are absent. */
export function tableBatches(rows: PlannedRows): ReadonlyMap<TableName, readonly ColumnBatch[]> {
  const tables = new Map<TableName, ColumnBatch[]>();
  for (const placed of rows.ticks) {
    const { table } = tickSchema(placed.batch);
    const batches = tables.get(table);
    if (batches === undefined) tables.set(table, [recordColumns(placed)]);
    else batches.push(recordColumns(placed));
  }
  tables.set('audit.sequence_gaps', gapColumns(rows.gaps));
  tables.set('audit.sessions', sessionColumns(rows.sessions));
  tables.set('audit.quarantine', quarantineColumns(rows.quarantine));
  return new Map([...tables].filter(([, batches]) => batches.some((batch) => batch.rowCount > 0)));
}
