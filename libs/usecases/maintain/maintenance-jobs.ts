import { isPortError, type Random, type Telemetry } from '@k2/ports';
import type { Inspections } from './inspections.ts';
import {
  maintenanceSteps,
  runMaintenance,
  type MaintenanceRunProgress,
  type MaintenanceWork,
} from './maintenance-run.ts';
import type { MaintenancePolicy, MaintenanceReport, MaintenanceTaskPorts } from './maintenance-tasks.ts';
import type { Turn } from './turn.ts';

/**
 *     waiting ──▶ running ──▶ done | failed
 *        │           ▼           ▲
 *        │        stopping ──────┴──▶ cancelled
 *        └──────────────────────────────▲
 *
 * `waiting`: for the task that the schedule is at. `stopping`: cancelled, and what it is at has not ended yet.
 */
export type MaintenanceJobState = 'waiting' | 'running' | 'stopping' | 'done' | 'failed' | 'cancelled';

export interface MaintenanceJob extends MaintenanceWork, MaintenanceRunProgress {
  readonly id: string;
  readonly state: MaintenanceJobState;
  readonly createdUs: number;
  readonly startedUs: number | null;
  readonly endedUs: number | null;
  /** One for each step that is done and had something to do. */
  readonly reports: readonly MaintenanceReport[];
  /** Of a failed one; the step is the one that failed. */
  readonly error: unknown;
}

export interface MaintenanceJobsPorts extends MaintenanceTaskPorts {
  readonly random: Pick<Random, 'uuid'>;
  readonly telemetry: Telemetry;
}

/** Past runs that are remembered, the last ones; the reports of one may name 5,000 deleted files. */
const JOBS_MAX = 20;

interface Entry {
  job: MaintenanceJob;
  readonly stop: AbortController;
}

/** Maintenance that a caller asked for: one run at a time, and never beside a task of the schedule. */
export class MaintenanceJobs {
  private readonly ports: MaintenanceJobsPorts;
  private readonly policy: MaintenancePolicy;
  private readonly turn: Turn;
  private readonly inspections: Inspections;
  /** The oldest first. */
  private readonly entries: Entry[] = [];
  private running: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(ports: MaintenanceJobsPorts, policy: MaintenancePolicy, turn: Turn, inspections: Inspections) {
    this.ports = ports;
    this.policy = policy;
    this.turn = turn;
    this.inspections = inspections;
  }

  /** The newest first. */
  get jobs(): readonly MaintenanceJob[] {
    return this.entries.map(({ job }) => job).reverse();
  }

  /** The one that has not ended. */
  get current(): MaintenanceJob | null {
    const last = this.entries.at(-1)?.job;
    return last === undefined || last.endedUs !== null ? null : last;
  }

  job(id: string): MaintenanceJob | null {
    return this.entry(id)?.job ?? null;
  }

  /** Null where another has not ended, or the process is about to: nothing was begun. */
  begin(work: MaintenanceWork): MaintenanceJob | null {
    if (this.isClosed || this.current !== null) return null;
    const job: MaintenanceJob = {
      ...work,
      id: this.ports.random.uuid(),
      state: 'waiting',
      createdUs: this.ports.clock.nowUs(),
      startedUs: null,
      endedUs: null,
      stepsDone: 0,
      stepsTotal: maintenanceSteps(work).length,
      step: null,
      reports: [],
      error: null,
    };
    const entry: Entry = { job, stop: new AbortController() };
    this.entries.push(entry);
    if (this.entries.length > JOBS_MAX) this.entries.shift();
    this.running = this.turn.take(() => this.run(entry));
    return job;
  }

  /** What it has committed stays. Of one that has ended nothing changes. Null where there is no such job. */
  cancel(id: string): MaintenanceJob | null {
    const entry = this.entry(id);
    if (entry === undefined) return null;
    if (entry.job.state === 'waiting') this.end(entry, 'cancelled');
    if (entry.job.state === 'running') this.update(entry, { state: 'stopping' });
    entry.stop.abort();
    return entry.job;
  }

  /** Resolves once the signal has aborted and what ran has ended; nothing is begun from then on. */
  async serve(signal: AbortSignal): Promise<void> {
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    this.isClosed = true;
    if (this.current !== null) this.cancel(this.current.id);
    await this.running;
  }

  private async run(entry: Entry): Promise<void> {
    if (entry.job.endedUs !== null) return;
    this.update(entry, { state: 'running', startedUs: this.ports.clock.nowUs() });
    const { signal } = entry.stop;
    const listener = (progress: MaintenanceRunProgress) => this.update(entry, progress);
    try {
      for await (const report of runMaintenance(this.ports, this.policy, entry.job, { signal, listener })) {
        this.update(entry, { reports: [...entry.job.reports, report] });
        if (report.task === 'inspect') this.inspections.note(report);
      }
      this.end(entry, 'done');
    } catch (error) {
      // Whatever it is, it must not stop what records ticks beside it.
      if (signal.aborted && isPortError(error, 'cancelled')) this.end(entry, 'cancelled');
      else this.fail(entry, error);
    }
  }

  private fail(entry: Entry, error: unknown): void {
    const { id, step } = entry.job;
    this.end(entry, 'failed', error);
    const fields = { job: id, task: step?.task ?? null, table: step?.table ?? null, error };
    this.ports.telemetry.log('warn', 'maintenance that was asked for failed', fields);
  }

  private end(entry: Entry, state: 'done' | 'failed' | 'cancelled', error: unknown = null): void {
    this.update(entry, { state, error, endedUs: this.ports.clock.nowUs() });
  }

  private update(entry: Entry, change: Partial<MaintenanceJob>): void {
    entry.job = { ...entry.job, ...change };
  }

  private entry(id: string): Entry | undefined {
    return this.entries.find(({ job }) => job.id === id);
  }
}
