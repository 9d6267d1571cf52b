import { printTimeUs } from '@k2/domain/market';
import type { MaintenanceJob } from '@k2/usecases';
import { problemDetails, problemOf } from '../http/problem.ts';

/** A job as the list shows it. */
export function jobSummaryJson(job: MaintenanceJob): object {
  return {
    id: job.id,
    state: job.state,
    tasks: job.tasks,
    tables: job.tables,
    dryRun: job.dryRun,
    createdTime: printTimeUs(job.createdUs),
    startedTime: printed(job.startedUs),
    endedTime: printed(job.endedUs),
    stepsDone: job.stepsDone,
    stepsTotal: job.stepsTotal,
    step: job.step,
  };
}

/** A job with what it has done. */
export function jobJson(job: MaintenanceJob, correlationId: string): object {
  const { state, error, reports, id } = job;
  const problem = state === 'failed' ? problemDetails(problemOf(error), `/v1/maintenance/${id}`, correlationId) : null;
  return { ...jobSummaryJson(job), reports, problem };
}

function printed(timeUs: number | null): string | null {
  return timeUs === null ? null : printTimeUs(timeUs);
}
