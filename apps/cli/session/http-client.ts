import { CliError, EXIT, type ExitCode } from '../exit-codes.ts';

export type QueryParameters = Readonly<Record<string, string | number | readonly string[]>>;

export interface RowsResponse {
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Error body of the API (RFC 9457). */
interface Problem {
  readonly title?: string;
  readonly detail?: string;
}

const NDJSON = 'application/x-ndjson';
/** Of an error body; more than that is no problem document. */
const PROBLEM_CHARS_MAX = 10_000;

/** Requests to the API whose answers are lines of JSON. Failures are CliErrors with the exit code to end in. */
export class HttpClient {
  private readonly url: string;
  private readonly signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.url = url;
    this.signal = signal;
  }

  getRows(path: string, parameters: QueryParameters): Promise<RowsResponse> {
    return this.get(path, parameters, NDJSON);
  }

  /** One small JSON document. */
  async getJson<Document>(path: string, parameters: QueryParameters): Promise<Document> {
    const { body } = await this.get(path, parameters, 'application/json');
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
    return JSON.parse(text) as Document;
  }

  private get(path: string, parameters: QueryParameters, accept: string): Promise<RowsResponse> {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(parameters)) {
      if (typeof value === 'object') for (const one of value) url.searchParams.append(name, one);
      else url.searchParams.set(name, String(value));
    }
    return this.request(url, { headers: { accept } });
  }

  postRows(path: string, body: unknown): Promise<RowsResponse> {
    return this.request(new URL(path, this.url), {
      method: 'POST',
      headers: { accept: NDJSON, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  private async request(url: URL, init: RequestInit): Promise<RowsResponse> {
    let response: Response;
    try {
      response = await fetch(url, { ...init, signal: this.signal });
    } catch (error) {
      throw this.unreachable(error);
    }
    if (!response.ok) throw await this.refused(response);
    return { headers: response.headers, body: this.chunks(response) };
  }

  private async *chunks({ body }: Response): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    try {
      yield* body;
    } catch (error) {
      throw this.unreachable(error, 'broke off its answer');
    }
  }

  private unreachable(error: unknown, what = 'does not answer'): Error {
    this.signal.throwIfAborted();
    const { cause = error } = error as { cause?: unknown };
    const why = cause instanceof Error ? cause.message : String(cause);
    return new CliError(`the server at ${this.url} ${what} (${why})`, EXIT.unreachable, { cause: error });
  }

  private async refused(response: Response): Promise<CliError> {
    const text = (await response.text()).slice(0, PROBLEM_CHARS_MAX);
    const { title, detail } = parseProblem(text);
    const message = detail ?? title ?? `the server at ${this.url} answered ${response.status} ${response.statusText}`;
    return new CliError(message, exitCodeOf(response.status), { cause: text });
  }
}

function parseProblem(text: string): Problem {
  try {
    return (JSON.parse(text) ?? {}) as Problem;
  } catch {
    // Not of our API: a proxy's page, say. The status line has to do.
    return {};
  }
}

/** Locked, overloaded, unavailable: the server's state, not the question's fault. */
const UNREACHABLE_STATUSES: readonly number[] = [423, 429, 502, 503, 504];

function exitCodeOf(status: number): ExitCode {
  return UNREACHABLE_STATUSES.includes(status) ? EXIT.unreachable : EXIT.failed;
}
