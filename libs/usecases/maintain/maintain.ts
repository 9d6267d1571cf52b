import type { TableName } from '@k2/domain/market';
import { isPortError, type Scheduler, type TableMaintenanceErrorKind, type Telemetry } from '@k2/ports';
import type { Inspections } from './inspections.ts';
import {
  MAINTAINED_TABLES,
  MAINTENANCE_TASKS,
  runMaintenanceTask,
  type MaintenancePolicy,
  type MaintenanceReport,
  type MaintenanceTask,
  type MaintenanceTaskPorts,
} from './maintenance-tasks.ts';
import type { InspectionReport } from './table-inspection.ts';
import { asError } from '../as-error.ts';
import type { Turn } from './turn.ts';

export interface MaintainPorts extends MaintenanceTaskPorts {
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export interface MaintainOptions {
  readonly policy: MaintenancePolicy;
  /** From the start of one round to the start of the next; a round that takes longer is followed at once. */
  readonly intervalMs: number;
  /** Looking for orphans lists every file: much less often than a round. */
  readonly orphanIntervalMs: number;
}

export interface MaintainStatus {
  readonly state: 'waiting' | 'running' | 'stopped';
  readonly rounds: number;
  readonly lastRoundUs: number | null;
  readonly rewrittenFiles: number;
  readonly expiredSnapshots: number;
  readonly deletedFiles: number;
  /** Tasks that failed; each is tried again in the next round. */
  readonly failures: number;
  /** The step that failed last, and why; null while none has failed. */
  readonly lastFailure: { readonly task: MaintenanceTask; readonly table: TableName; readonly error: Error } | null;
  /** What the newest inspection of each table found, whoever asked for it. */
  readonly tables: readonly InspectionReport[];
}

/** Keeps the tables fast and small, in rounds: every task on every table, one after the other. */
export class Maintain {
  private readonly ports: MaintainPorts;
  private readonly options: MaintainOptions;
  private readonly turn: Turn;
  private readonly inspections: Inspections;
  private readonly taskMs;
  private readonly failed;
  private current: Omit<MaintainStatus, 'tables'> = {
    state: 'waiting',
    rounds: 0,
    lastRoundUs: null,
    rewrittenFiles: 0,
    expiredSnapshots: 0,
    deletedFiles: 0,
    failures: 0,
    lastFailure: null,
  };

  constructor(ports: MaintainPorts, options: MaintainOptions, turn: Turn, inspections: Inspections) {
    this.ports = ports;
    this.options = options;
    this.turn = turn;
    this.inspections = inspections;
    this.taskMs = ports.telemetry.histogram('k2_maintain_task_ms', 'Time of one task on one table.', 'ms');
    this.failed = ports.telemetry.counter('k2_maintain_failures', 'Tasks that failed and are tried again.');
  }

  get status(): MaintainStatus {
    return { ...this.current, tables: this.inspections.tables };
  }

  /** Runs until the signal aborts. A task that fails is told of and tried again in the next round. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, scheduler } = this.ports;
    let orphansDueUs = clock.monotonicUs() + this.options.orphanIntervalMs * 1_000;
    while (!signal.aborted) {
      const startUs = clock.monotonicUs();
      const withOrphans = startUs >= orphansDueUs;
      if (withOrphans) orphansDueUs = startUs + this.options.orphanIntervalMs * 1_000;
      this.update({ state: 'running' });
      await this.round(
        MAINTENANCE_TASKS.filter((task) => task !== 'orphans' || withOrphans),
        signal,
      );
      this.update({ state: 'waiting', rounds: this.current.rounds + 1, lastRoundUs: clock.nowUs() });
      const restMs = this.options.intervalMs - (clock.monotonicUs() - startUs) / 1_000;
      if (restMs > 0) await scheduler.sleep(restMs, signal);
    }
    this.update({ state: 'stopped' });
  }

  private async round(tasks: readonly MaintenanceTask[], signal: AbortSignal): Promise<void> {
    for (const task of tasks) {
      for (const table of MAINTAINED_TABLES) {
        // Between two tasks a job that a caller asked for comes in.
        await this.turn.take(() => this.one(task, table, signal));
      }
    }
  }

  private async one(task: MaintenanceTask, table: TableName, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const startUs = this.ports.clock.monotonicUs();
    try {
      const request = { task, table, dryRun: false, signal };
      const report = await runMaintenanceTask(this.ports, this.options.policy, request);
      if (report !== null) this.account(report);
    } catch (error) {
      if (isPortError<TableMaintenanceErrorKind>(error, 'cancelled', 'unknown-table')) return;
      // Whatever it is, it must not stop what records ticks beside it.
      this.failed.add(1, { task, table });
      this.update({ failures: this.current.failures + 1, lastFailure: { task, table, error: asError(error) } });
      this.ports.telemetry.log('warn', 'maintenance failed; the next round tries again', {
        task,
        table,
        error: asError(error).message,
      });
    } finally {
      this.taskMs.record((this.ports.clock.monotonicUs() - startUs) / 1_000, { task });
    }
  }

  private account(report: MaintenanceReport): void {
    const { rewrittenFiles, expiredSnapshots, deletedFiles } = this.current;
    if (report.task === 'compact') this.update({ rewrittenFiles: rewrittenFiles + report.filesBefore });
    if (report.task === 'expire') this.update({ expiredSnapshots: expiredSnapshots + report.expiredSnapshots });
    if (report.task === 'expire' || report.task === 'orphans')
      this.update({ deletedFiles: deletedFiles + report.deletedFiles });
    if (report.task === 'inspect') this.inspections.note(report);
    this.ports.telemetry.log('debug', 'maintained', { ...report });
  }

  private update(change: Partial<typeof this.current>): void {
    this.current = { ...this.current, ...change };
  }
}
