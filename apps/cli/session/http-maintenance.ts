import { setTimeout as sleep } from 'node:timers/promises';
import type { MaintenanceJobState, MaintenanceReport, MaintenanceRunProgress, MaintenanceWork } from '@k2/usecases';
import { CliError, EXIT } from '../exit-codes.ts';
import { exitCodeOf, HttpClient } from './http-client.ts';

/** What the API says of a job, as far as it is used here. */
interface JobJson extends MaintenanceRunProgress {
  readonly id: string;
  readonly state: MaintenanceJobState;
  readonly reports: readonly MaintenanceReport[];
  readonly problem: { readonly detail: string; readonly status: number } | null;
}

const POLL_INTERVAL_MS = 250;
const BEGIN_TIMEOUT_MS = 10_000;
/** After Ctrl-C: for the server to take the cancellation. */
const CANCEL_TIMEOUT_MS = 5_000;

/** Has the server run a job and follows it to its end. Ctrl-C cancels the job. */
export async function* maintainOverHttp(
  url: string,
  signal: AbortSignal,
  { tasks, tables, dryRun }: MaintenanceWork,
  progress: (progress: MaintenanceRunProgress) => void,
): AsyncGenerator<MaintenanceReport> {
  const http = new HttpClient(url, signal);
  const asked = { ...(tasks.length > 0 && { tasks }), ...(tables.length > 0 && { tables }), dryRun };
  // Not broken off by Ctrl-C: a job whose id nobody was told could not be cancelled.
  const beginning = new HttpClient(url, abortedAfter(BEGIN_TIMEOUT_MS));
  let job = await beginning.postJson<JobJson>('/v1/maintenance', asked);
  const path = `/v1/maintenance/${job.id}`;
  let hasEnded = false;
  try {
    for (let told = 0; ; job = await http.getJson<JobJson>(path, {})) {
      for (; told < job.reports.length; told++) yield job.reports[told]!;
      progress(job);
      hasEnded = isOver(job);
      if (hasEnded) return;
      await sleep(POLL_INTERVAL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) throw await interrupted(url, path);
    throw error;
  } finally {
    // Nobody reads the reports any more: the terminal was closed, for example.
    if (!hasEnded && !signal.aborted) await cancel(url, path).catch(() => undefined);
  }
}

/** False while it goes on. Throws where it came to no good end. */
function isOver({ id, state, step, problem }: JobJson): boolean {
  switch (state) {
    case 'waiting':
    case 'running':
    case 'stopping':
      return false;
    case 'done':
      return true;
    case 'failed': {
      const at = step === null ? '' : `${step.task} of ${step.table}: `;
      throw new CliError(at + (problem?.detail ?? 'failed'), exitCodeOf(problem?.status ?? 500));
    }
    case 'cancelled':
      throw new CliError(`job ${id} was cancelled in the server: what it had committed stays`);
  }
}

async function interrupted(url: string, path: string): Promise<CliError> {
  const outcome = await cancel(url, path).then(
    () => 'the job is cancelled in the server, and what it had committed stays',
    () => `the server could not be told and goes on: DELETE ${url}${path} cancels the job`,
  );
  return new CliError(`interrupted; ${outcome}`, EXIT.interrupted);
}

/** The command's own signal has aborted. */
async function cancel(url: string, path: string): Promise<void> {
  await new HttpClient(url, abortedAfter(CANCEL_TIMEOUT_MS)).delete(path);
}

function abortedAfter(ms: number): AbortSignal {
  const late = new AbortController();
  void sleep(ms, undefined, { ref: false }).then(() => late.abort());
  return late.signal;
}
