import { CliError, EXIT } from '../exit-codes.ts';
import type { HttpClient } from './http-client.ts';
import { ndjsonBatches } from './ndjson-lines.ts';
import type { LoadProgress, LoadSummary } from './session.ts';

/** A line of `POST /v1/loads`: progress, and at the end one summary or error. */
type LoadLine =
  | ({ readonly kind: 'progress' } & LoadProgress)
  | ({ readonly kind: 'summary' } & LoadSummary)
  | { readonly kind: 'error'; readonly detail: string };

/** Has the server load a feed; the server's files are meant, so the feed names them absolutely. */
export async function loadOverHttp(
  http: HttpClient,
  feed: string,
  progress: (progress: LoadProgress) => void,
): Promise<LoadSummary> {
  const { body } = await http.postRows('/v1/loads', { feed });
  for await (const lines of ndjsonBatches<LoadLine>(body)) {
    for (const line of lines) {
      if (line.kind === 'progress') progress(line);
      else if (line.kind === 'summary') return line;
      else throw new CliError(line.detail);
    }
  }
  throw new CliError('the server ended the load without a summary: run the same command again', EXIT.unreachable);
}
