import type { TableName } from '@k2/domain/market';
import { PortError, type CompactionReport, type MaintenanceProgress } from '@k2/ports';
import {
  MAINTAINED_TABLES,
  MAINTENANCE_TASKS,
  runMaintenanceTask,
  type MaintenancePolicy,
  type MaintenanceReport,
  type MaintenanceTask,
  type MaintenanceTaskPorts,
} from './maintenance-tasks.ts';

/** What is asked for; all of them where none is named. */
export interface MaintenanceWork {
  readonly tasks: readonly MaintenanceTask[];
  readonly tables: readonly TableName[];
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

/** How far a run is. */
export interface MaintenanceRunProgress {
  readonly stepsDone: number;
  /** A step is one task on one table. */
  readonly stepsTotal: number;
  /** Null before the first step and after the last. */
  readonly step: MaintenanceStep | null;
}

export interface MaintenanceStep {
  readonly task: MaintenanceTask;
  readonly table: TableName;
  /** Null while the task has not said how much there is to do. */
  readonly progress: MaintenanceProgress | null;
}

export interface MaintenanceRunOptions {
  readonly signal: AbortSignal;
  readonly listener?: (progress: MaintenanceRunProgress) => void;
}

/** Tasks in the order of a round, each on every table: what a run does, and in which order. */
export function maintenanceSteps({ tasks, tables }: MaintenanceWork): readonly Omit<MaintenanceStep, 'progress'>[] {
  const of = tables.length === 0 ? MAINTAINED_TABLES : MAINTAINED_TABLES.filter((table) => tables.includes(table));
  return MAINTENANCE_TASKS.filter((task) => tasks.length === 0 || tasks.includes(task)).flatMap((task) =>
    of.map((table) => ({ task, table })),
  );
}

/**
 * The steps one after the other, with a report of each that had something to do by the policy. A run of compaction is
 * bounded by bytes; a step is as many of them as there is work for. Throws as TableMaintenance and TickStore do, at the first step that fails.
 */
export async function* runMaintenance(
  ports: MaintenanceTaskPorts,
  policy: MaintenancePolicy,
  work: MaintenanceWork,
  { signal, listener = () => {} }: MaintenanceRunOptions,
): AsyncGenerator<MaintenanceReport> {
  const steps = maintenanceSteps(work);
  for (const [stepsDone, step] of steps.entries()) {
    const tell = (progress: MaintenanceProgress | null) =>
      listener({ stepsDone, stepsTotal: steps.length, step: { ...step, progress } });
    if (signal.aborted) throw new PortError('cancelled', 'maintenance was cancelled: what is committed stays', step);
    tell(null);
    const request = { ...step, dryRun: work.dryRun, signal, progress: tell };
    const report = await untilDone(() => runMaintenanceTask(ports, policy, request));
    if (report !== null) yield report;
  }
  listener({ stepsDone: steps.length, stepsTotal: steps.length, step: null });
}

async function untilDone(run: () => Promise<MaintenanceReport | null>): Promise<MaintenanceReport | null> {
  let whole = await run();
  let last = whole;
  while (whole?.task === 'compact' && last?.task === 'compact' && hasMore(last)) {
    last = await run();
    if (last?.task === 'compact') whole = together(whole, last);
  }
  return whole;
}

function hasMore({ isDone, dryRun, groups }: CompactionReport): boolean {
  return !isDone && !dryRun && groups > 0;
}

/** Two runs on one table. What the second merged of the first counts in both. */
function together<Report extends CompactionReport>(first: Report, second: Report): Report {
  return {
    ...second,
    groups: first.groups + second.groups,
    abandonedGroups: first.abandonedGroups + second.abandonedGroups,
    filesBefore: first.filesBefore + second.filesBefore,
    filesAfter: first.filesAfter + second.filesAfter,
    rows: first.rows + second.rows,
    bytesBefore: first.bytesBefore + second.bytesBefore,
    bytesAfter: first.bytesAfter + second.bytesAfter,
  };
}
