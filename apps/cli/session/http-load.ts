import { CliError, EXIT } from '../exit-codes.ts';
import { accountLoad, type LoadRun } from './account-load.ts';
import type { HttpClient } from './http-client.ts';
import { ndjsonBatches } from './ndjson-lines.ts';
import type { K2Session, LoadProgress, LoadSummary } from './session.ts';

/** A line of `POST /v1/loads`; the last is `finished`, `stopped` or `failed`. */
type LoadLine =
  | { readonly event: 'started' }
  | { readonly event: 'waiting'; readonly ahead: string }
  | {
      readonly event: 'progress';
      readonly acknowledgedTicks: number;
      readonly doneBytes: number;
      readonly totalBytes: number;
    }
  | ({ readonly event: 'finished' | 'stopped' } & LoadRun)
  | { readonly event: 'failed'; readonly problem: { readonly detail: string } };

/** Has the server load a feed. The files are the server's, so that the feed names them absolutely. */
export function loadOverHttp(
  http: HttpClient,
  feed: string,
  lake: Pick<K2Session, 'query'>,
  progress: (progress: LoadProgress) => void,
): Promise<LoadSummary> {
  return accountLoad(lake, feed, async () => {
    const { body } = await http.postRows('/v1/loads', { feed });
    for await (const lines of ndjsonBatches<LoadLine>(body)) {
      for (const line of lines) {
        const run = heard(line, progress);
        if (run !== null) return run;
      }
    }
    const next = 'run the same command again: what is loaded is recognised';
    throw new CliError(`the server broke the load off: ${next}`, EXIT.unreachable);
  });
}

/** How the load ran, where the line is the last one. */
function heard(line: LoadLine, progress: (progress: LoadProgress) => void): LoadRun | null {
  switch (line.event) {
    case 'started':
      return null;
    case 'waiting':
      progress({ doneBytes: 0, totalBytes: 0, rows: 0, ahead: line.ahead });
      return null;
    case 'progress':
      progress({ doneBytes: line.doneBytes, totalBytes: line.totalBytes, rows: line.acknowledgedTicks });
      return null;
    case 'finished':
    case 'stopped':
      return line;
    case 'failed':
      throw new CliError(line.problem.detail);
  }
}
