import type { TableName } from '@k2/domain/market';
import { PortError, type TableMaintenanceError } from '@k2/ports';
import type { TableMetadata } from '../format/metadata.ts';

/** The property by which a table says that its files may be another table's too. */
export function checkMayDelete(table: TableName, { properties }: TableMetadata): void {
  if (properties['gc.enabled'] !== 'false') return;
  throw new PortError(
    'not-allowed',
    `${table} has gc.enabled=false, so nothing of it may be deleted: its files may belong to other tables too; unset the property if they do not`,
    { table },
  ) satisfies TableMaintenanceError;
}
