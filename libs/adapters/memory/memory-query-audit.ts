import { AUDIT_SHAPES, PortError, type AuditShape, type QueryEngineErrorKind, type Question } from '@k2/ports';
import { cellAt, type CellValue } from './memory-column-values.ts';
import { answerColumn, type AnswerTable } from './memory-query-answer.ts';
import { auditPlan, type PlannedFiles } from './memory-query-plans.ts';
import { compareText, schemaFieldId } from './memory-query-rows.ts';
import type { MemoryFile } from './memory-tick-store-file.ts';

export type AuditQuestion = Extract<Question, { readonly kind: 'audit' }>;

interface AuditRow {
  readonly file: MemoryFile;
  readonly row: number;
}

/** Rows of the one audit table planned. A gap matches where its times meet the filter's. */
export function auditAnswer(
  { filter, limit }: AuditQuestion,
  planned: readonly PlannedFiles[],
  check: () => void,
): AnswerTable {
  const { plan, files } = auditPlan(planned);
  const shape = AUDIT_SHAPES[plan.table]!;
  if (filter.symbols !== undefined && !shape.hasSymbol) {
    const message = `${plan.table} has no symbols: ask without them`;
    throw new PortError<QueryEngineErrorKind>('invalid-query', message, { table: plan.table });
  }
  const rows: AuditRow[] = [];
  for (const file of files) {
    check();
    for (let row = 0; row < file.rowCount; row++) if (matches({ file, row }, filter, shape)) rows.push({ file, row });
  }
  rows.sort((a, b) => compareRows(a, b, shape.order));
  return {
    columns: plan.fields.map(answerColumn),
    rowCount: Math.min(rows.length, limit),
    cell: (row, column) => cellAt(rows[row].file, plan.fields[column], rows[row].row),
  };
}

function matches(row: AuditRow, filter: AuditQuestion['filter'], { from, to }: AuditShape): boolean {
  const { exchange, symbols, recordType, fromUs = -Infinity, toUs = Infinity } = filter;
  return (
    (exchange === undefined || valueOf(row, 'exchange') === exchange) &&
    (symbols === undefined || symbols.includes(String(valueOf(row, 'symbol')))) &&
    (recordType === undefined || valueOf(row, 'record_type') === recordType) &&
    Number(valueOf(row, from)) < toUs &&
    Number(valueOf(row, to)) >= fromUs
  );
}

function compareRows(a: AuditRow, b: AuditRow, order: readonly string[]): number {
  for (const name of order) {
    const [ofA, ofB] = [valueOf(a, name), valueOf(b, name)];
    const difference =
      isInteger(ofA) && isInteger(ofB) ? compareIntegers(ofA, ofB) : compareText(String(ofA), String(ofB));
    if (difference !== 0) return difference;
  }
  return 0;
}

function isInteger(value: CellValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function compareIntegers(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By the field's first name: columns are kept by id, which a rename does not change. */
function valueOf({ file, row }: AuditRow, name: string): CellValue {
  return cellAt(file, { id: schemaFieldId(file.table, name)!, required: true }, row);
}
