/**
 * The rewriting process: sorting takes a core and much memory for minutes, and both are given back whenever it ends. It
 * is started with its settings as first argument, talks over the IPC channel and dies with its parent.
 */
import { constants, setPriority } from 'node:os';
import { rewriteFiles } from './rewrite-files.ts';
import type { RewriteRequest, RewriteResponse, RewriteSettings } from './rewrite-job.ts';

const settings = JSON.parse(process.argv[2]) as RewriteSettings;

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
try {
  // Whoever records or asks comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Not every system lets a process do so.
}

process.on('message', (request: RewriteRequest) => {
  void answer(request).then((response) => process.send!(response));
});

async function answer({ id, job }: RewriteRequest): Promise<RewriteResponse> {
  try {
    return { id, files: await rewriteFiles(job, settings) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
