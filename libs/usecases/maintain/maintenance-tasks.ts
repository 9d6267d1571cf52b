import { SNAPSHOT_RETENTION, type SnapshotRetention } from '@k2/domain/lake';
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type {
  Clock,
  CompactionReport,
  ExpiryReport,
  MaintenanceOptions,
  ManifestReport,
  OrphanReport,
  RetentionReport,
  TableMaintenance,
  TickStore,
} from '@k2/ports';
import { inspectTable, type InspectionReport } from './table-inspection.ts';

/**
 * In the order in which a round runs them: what a later one deletes, an earlier one has made superfluous. The last only
 * looks at what the others have left.
 */
export const MAINTENANCE_TASKS = ['retention', 'compact', 'manifests', 'expire', 'orphans', 'inspect'] as const;
export type MaintenanceTask = (typeof MAINTENANCE_TASKS)[number];

export type MaintenanceReport =
  | ({ readonly task: 'retention' } & RetentionReport)
  | ({ readonly task: 'compact' } & CompactionReport)
  | ({ readonly task: 'manifests' } & ManifestReport)
  | ({ readonly task: 'expire' } & ExpiryReport)
  | ({ readonly task: 'orphans' } & OrphanReport)
  | ({ readonly task: 'inspect' } & InspectionReport);

export interface MaintenancePolicy {
  /** Size of a compacted file. */
  readonly fileBytesTarget: number;
  readonly zstdLevel: number;
  /** Files of about one size that are merged while their day is still being written. */
  readonly filesMin: number;
  /** A day is taken for finished this long after its end: late ticks come until then. */
  readonly closedAfterMs: number;
  /** What one run of compaction reads at most; the next goes on. */
  readonly compactionBytesMax: number;
  readonly snapshots: SnapshotRetention;
  /** Files that no snapshot needs are deleted once they are this old: until then they may be of a commit under way. */
  readonly orphanAgeMs: number;
  /** How long rows are kept, by table; for good where it says nothing. */
  readonly keepRowsMs: ReadonlyMap<TableName, number>;
}

export const MAINTENANCE_POLICY: MaintenancePolicy = {
  fileBytesTarget: 256 * 2 ** 20,
  zstdLevel: 9,
  filesMin: 8,
  closedAfterMs: 6 * 3_600_000,
  compactionBytesMax: 2 * 2 ** 30,
  snapshots: SNAPSHOT_RETENTION,
  orphanAgeMs: 24 * 3_600_000,
  keepRowsMs: new Map(),
};

export const MAINTAINED_TABLES: readonly TableName[] = RECORD_SCHEMAS.map(({ table }) => table);

export interface MaintenanceTaskPorts {
  readonly maintenance: TableMaintenance;
  readonly store: Pick<TickStore, 'plan'>;
  readonly clock: Clock;
}

export interface MaintenanceRequest extends MaintenanceOptions {
  readonly task: MaintenanceTask;
  readonly table: TableName;
}

/** One task on one table, by the policy. Null where the policy has nothing to do. Errors are those of TableMaintenance and of TickStore. */
export async function runMaintenanceTask(
  { maintenance, store, clock }: MaintenanceTaskPorts,
  policy: MaintenancePolicy,
  { task, table, ...options }: MaintenanceRequest,
): Promise<MaintenanceReport | null> {
  const ago = (ms: number) => clock.nowUs() - ms * 1_000;
  switch (task) {
    case 'retention': {
      const keepMs = policy.keepRowsMs.get(table);
      if (keepMs === undefined) return null;
      return { task, ...(await maintenance.dropBefore(table, { ...options, beforeUs: ago(keepMs) })) };
    }
    case 'compact': {
      const { fileBytesTarget, zstdLevel, filesMin, closedAfterMs, compactionBytesMax: bytesMax } = policy;
      const closedBeforeUs = ago(closedAfterMs);
      const wanted = { ...options, fileBytesTarget, zstdLevel, filesMin, closedBeforeUs, bytesMax };
      return { task, ...(await maintenance.compact(table, wanted)) };
    }
    case 'manifests':
      return { task, ...(await maintenance.rewriteManifests(table, options)) };
    case 'expire':
      return { task, ...(await maintenance.expireSnapshots(table, policy.snapshots, options)) };
    case 'orphans':
      return {
        task,
        ...(await maintenance.removeOrphans(table, { ...options, olderThanUs: ago(policy.orphanAgeMs) })),
      };
    case 'inspect':
      return { task, dryRun: options.dryRun, ...(await inspectTable(store, table)) };
  }
}
