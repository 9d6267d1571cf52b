import { RECORD_TYPES, type FieldType, type TableName } from '@k2/domain/market';
import { PortError, type ScanField, type ScanPlan } from '@k2/ports';
import { quoteName, quoteText } from './sql-text.ts';

/** How tables and files of the plans are called in Trino. */
export interface TableNames {
  /** Trino's name of the catalog. */
  readonly catalog: string;
  /** A file's key in the ObjectStore as the tables' metadata has it: `s3://bucket/prefix/key`. */
  readonly locationOf: (key: string) => string;
  /** A plan that names more files one by one is refused. */
  readonly filesMax: number;
}

export const MESSAGE_ID = 'message_id';

/** The rows of the plan's files, and no others, as a FROM item. The plan has files. */
export function plannedTable(plan: ScanPlan, names: TableNames): string {
  const { table, snapshotId, files, filesTotal, snapshotFields } = plan;
  const name = [names.catalog, ...table.split('.')].map(quoteName).join('.');
  const version = `${name} FOR VERSION AS OF ${snapshotId}`;
  const columns =
    snapshotFields === undefined ? '*' : plan.fields.map((field) => columnOf(field, snapshotFields)).join(', ');
  if (files.length === filesTotal) return columns === '*' ? version : `(SELECT ${columns} FROM ${version})`;
  if (files.length > names.filesMax) {
    const message = `the question is over ${files.length} of the ${filesTotal} files of ${table}, and Trino is told at most ${names.filesMax} by name: narrow it by time or symbol, or let maintenance compact the table`;
    throw new PortError('unsupported', message, { table, files: files.length, filesMax: names.filesMax });
  }
  const paths = files.map(({ key }) => quoteText(names.locationOf(key)));
  return `(SELECT ${columns} FROM ${version} WHERE "$path" IN (${paths.join(', ')}))`;
}

/** Trino shows a snapshot with the columns of its day. */
function columnOf({ id, name, type }: ScanField, snapshotFields: readonly ScanField[]): string {
  const own = snapshotFields.find((field) => field.id === id);
  return `${own === undefined ? `CAST(NULL AS ${SQL_TYPES[type]})` : quoteName(own.name)} AS ${quoteName(name)}`;
}

const SQL_TYPES: Readonly<Record<FieldType, string>> = {
  string: 'varchar',
  int: 'integer',
  long: 'bigint',
  timestamp: 'timestamp(6) with time zone',
  decimal: 'decimal(18, 8)',
  binary: 'varbinary',
  'string-list': 'array(varchar)',
  'string-map': 'map(varchar, varchar)',
};

export function planOf(plans: readonly ScanPlan[], table: TableName): ScanPlan {
  const plan = plans.find((candidate) => candidate.table === table);
  if (plan === undefined) throw new PortError('invalid-query', `no scan of ${table} is planned`, { table });
  return plan;
}

export function isTickTable(table: TableName): boolean {
  return RECORD_TYPES.some((recordType) => table === `market_data.${recordType}`);
}
