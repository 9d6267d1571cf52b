import type { TableName } from '@k2/domain/market';
import { PortError, type QueryEngineErrorKind, type ScanPlan } from '@k2/ports';
import type { MemoryFile } from './memory-tick-store-file.ts';

export interface PlannedFiles {
  readonly plan: ScanPlan;
  readonly files: readonly MemoryFile[];
}

const TICK_TABLES: readonly TableName[] = ['market_data.trades', 'market_data.quotes'];

/** The plan of the table that a question is about. */
export function planOf(planned: readonly PlannedFiles[], table: TableName): PlannedFiles {
  const found = planned.find(({ plan }) => plan.table === table);
  return found ?? notPlanned(table, planned);
}

/** Plans of ticks, at least one. */
export function tickPlans(planned: readonly PlannedFiles[]): readonly PlannedFiles[] {
  const found = planned.filter(({ plan }) => TICK_TABLES.includes(plan.table));
  return found.length > 0 ? found : notPlanned('trades or quotes', planned);
}

/** The one plan of an audit table. */
export function auditPlan(planned: readonly PlannedFiles[]): PlannedFiles {
  const found = planned.filter(({ plan }) => !TICK_TABLES.includes(plan.table));
  return found.length === 1 ? found[0] : notPlanned('exactly one audit table', planned);
}

function notPlanned(needed: string, planned: readonly PlannedFiles[]): never {
  const tables = planned.map(({ plan }) => plan.table);
  const message = `the question needs a scan of ${needed}; planned are: ${tables.join(', ') || 'none'}`;
  throw new PortError<QueryEngineErrorKind>('invalid-query', message, { needed, tables });
}
